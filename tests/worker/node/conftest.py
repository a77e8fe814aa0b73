"""A keeper, and ranks that hold its memory."""

import os
import subprocess
import sys

import pytest

from tests.worker.node.kept import Kept

# A rank with the row and the number that it is told; it computes, or waits for others, for a minute.
RANK = """
import sys, time
from worker.node import holding
from worker.node.status import Status
name, attempt, rank, does = sys.argv[1:]
held = holding.hold(name, int(attempt), 1 << 16, 60, start=False)
status = Status(held.segment, 10)
status.take(int(rank), int(rank))
if does == "waits":
    status.waits()
print("there", flush=True)
time.sleep(60)
"""


@pytest.fixture
def keep(tmp_path):
    """`keep(60)`: a keeper that waits that many seconds for ranks."""
    made = []

    def start(keep_s=60):
        made.append(Kept(f"test-{os.getpid()}-{tmp_path.name}", keep_s))
        return made[-1]

    yield start
    for kept in made:
        kept.close()


@pytest.fixture
def rank(script):
    """`rank(kept, 1, "waits")`: a process of that number that has the memory."""
    started = []

    def start(kept, number=0, does="computes", attempt=1):
        command = [sys.executable, script(RANK), kept.run, str(attempt), str(number), does]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "there\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
