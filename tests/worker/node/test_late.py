"""The keeper, a real process at its real socket: who is late, and ended."""

import signal
import subprocess
import sys
import time

import numpy as np

from tests.worker.node.kept import memory
from worker.node import keeper


def test_a_rank_that_stands_still_is_ended_and_its_seconds_noted(keep, rank):
    """Also one that waits for others: stopped is stopped."""
    kept = keep()
    kept.deadline(0.5)
    process = rank(kept, number=2, does="waits")
    began = time.monotonic()
    process.send_signal(signal.SIGSTOP)
    assert process.wait(10) == -signal.SIGKILL
    assert 0.5 < kept.late_s(2) < time.monotonic() - began + 0.1


def test_a_rank_that_computes_too_long_is_ended_and_its_seconds_noted(keep, rank):
    kept = keep()
    kept.deadline(0.5)
    assert rank(kept, number=3).wait(10) == -signal.SIGKILL
    assert 0.5 < kept.late_s(3) < 5
    assert kept.late_s(2) == 0


def test_a_rank_that_waits_for_the_late_is_not_late(keep, rank):
    kept = keep()
    kept.deadline(0.3)
    patient, slow = rank(kept, 0, "waits"), rank(kept, 1)
    slow.wait(10)
    time.sleep(0.5)
    assert patient.poll() is None and kept.late_s(0) == 0


def test_a_rank_that_was_stopped_for_a_moment_goes_on(keep, rank):
    """Seconds of earlier stops do not add up."""
    kept = keep()
    kept.deadline(1.0)
    process = rank(kept, 0, "waits")
    for _ in range(3):
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
    assert process.poll() is None


def test_nobody_is_late_because_the_whole_machine_stood_still(keep, rank, until):
    """The keeper was stopped as long as the ranks; from then on it counts."""
    kept = keep()
    process = rank(kept, 0)
    kept.process.send_signal(signal.SIGSTOP)
    kept.deadline(1.0)
    time.sleep(2)
    woken = time.monotonic()
    kept.process.send_signal(signal.SIGCONT)
    assert process.wait(10) == -signal.SIGKILL
    assert time.monotonic() - woken > 0.9


def test_without_a_deadline_nobody_is_late(keep, rank):
    kept = keep()
    process = rank(kept)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.6)
    assert process.poll() is None and kept.late_s(0) == 0


def test_only_ranks_that_hold_the_memory_are_ended(keep, rank, until):
    """A row may hold the number of a process that is long gone, or of somebody else by now."""
    kept = keep()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        row = keeper.ROW.pack(bystander.pid, 7, 1, 0, time.monotonic() - 100, 0.0, 0, 0)
        kept.segment.array(keeper.ROWS_BYTE, len(row), np.uint8)[...] = np.frombuffer(row, np.uint8)
        memory(kept.connect(1))
        kept.deadline(0.1)
        assert rank(kept, number=1).wait(10) == -signal.SIGKILL  # so it has looked at all rows
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
