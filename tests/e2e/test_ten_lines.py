"""A program of ten lines submits, follows the stream, is killed, and another goes on where it was."""

import signal
import sys

import pytest

PROGRAM = """
import sys
from coordinator import Client

address, job, *cursor = sys.argv[1:]
client = Client(address)
job = job if cursor else client.submit(job).id
print("job", job, flush=True)
for event in client.watch(job, *cursor):
    print(getattr(event, "kind", "point"), getattr(event, "step", ""), *getattr(event, "values", ""), event.cursor, flush=True)
"""
STEPS = 8 * 150
KILLED_AFTER = 200


def follow(coordinator, *arguments):
    return coordinator.popen(sys.executable, "-c", PROGRAM, coordinator.address, *arguments)


def whole(lines):
    """(kind, step, series …, cursor) of each whole line; the last may have been cut off."""
    return [line.split() for line in lines if line.endswith("\n")]


@pytest.mark.slow
def test_a_killed_program_is_taken_up_with_its_last_cursor(coordinator):
    job = coordinator.job(epochs=STEPS // 8)
    with follow(coordinator, job) as first:
        lines = [first.stdout.readline() for _ in range(KILLED_AFTER)]
        first.send_signal(signal.SIGKILL)
        (_, job_id), *seen = whole(lines + first.stdout.readlines())
    assert first.returncode == -signal.SIGKILL and len(seen) < STEPS
    with follow(coordinator, job_id, seen[-1][-1]) as second:
        _, *rest = whole(second.stdout.readlines())
    assert second.returncode == 0
    assert [int(event[1]) for event in seen + rest if "loss" in event] == list(range(STEPS))
    assert [int(event[1]) for event in seen + rest if "eval_loss" in event] == list(range(7, STEPS, 8))
    assert [event[0] for event in seen + rest].count("started") == 1
    assert [event[0] for event in seen + rest].index("ended") == len(seen + rest) - 1


def test_the_program_is_one_of_ten_lines():
    assert len(PROGRAM.strip().splitlines()) <= 10
