"""A newcomer leaves when the run that it was started for is nobody's."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

SCRIPT = """
import sys, time
from pathlib import Path
from worker import guard
guard.POLL_S, guard.NOBODYS_S, guard.LONGEST_S = 0.02, 0.3, float(sys.argv[2])
watch = guard.Guard(Path(sys.argv[1]))
if sys.argv[3] == "stop":
    watch.stop()
time.sleep(1.5)
print("still here")
"""


@pytest.fixture
def newcomer(script):
    """`newcomer(folder)`: a process that waits for a second and a half to be taken in; what it said. Guards wait 0.3 s."""

    def run(folder, longest_s=60, stop=""):
        done = subprocess.run([sys.executable, script(SCRIPT), str(folder), str(longest_s), stop], capture_output=True, text=True, timeout=60)
        assert done.returncode == (0 if done.stdout else -signal.SIGKILL) and done.stderr == ""
        return done.stdout

    return run


@pytest.fixture
def claimed(tmp_path):
    """A folder that a living rank 0 has claimed."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield tmp_path
    os.close(descriptor)


def test_it_leaves_when_nobody_has_the_folder(newcomer, tmp_path):
    assert newcomer(tmp_path) == ""


def test_it_leaves_when_there_is_no_folder(newcomer, tmp_path):
    assert newcomer(tmp_path / "gone") == ""


def test_it_waits_while_rank_0_has_the_folder(newcomer, claimed):
    assert newcomer(claimed) == "still here\n"


def test_it_does_not_wait_for_ever(newcomer, claimed):
    assert newcomer(claimed, longest_s=0.5) == ""


def test_it_is_left_alone_once_it_has_been_taken_in(newcomer, tmp_path):
    assert newcomer(tmp_path, stop="stop") == "still here\n"


def test_looking_does_not_keep_the_folder_from_who_takes_over(newcomer, tmp_path):
    """A shared lock, for an instant: the new rank 0 tries again until it has it."""
    newcomer(tmp_path)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
