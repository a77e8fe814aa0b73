"""Which world a process finds itself in, and how it is left at once."""

import subprocess
import sys

import pytest

from worker import comm

LEAVE = """
import sys
from worker.comm import connect
world = connect()
if world.rank == world.size - 1:
    print("leaving", flush=True)
    world.abort(5)
world.gather_all(b"")  # the others wait here, and are ended
print("went on")
"""


def test_without_a_launcher_a_process_is_alone(monkeypatch):
    for name in comm.LAUNCHER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    world = comm.connect()
    assert (type(world).__name__, world.rank, world.size) == ("Alone", 0, 1)


def test_a_world_of_one_does_not_load_mpi(script):
    path = script("import sys; from worker.comm import connect; connect(); print('mpi4py' in sys.modules)")
    assert subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60).stdout == "False\n"


def test_abort_ends_a_process_that_is_alone(script):
    done = subprocess.run([sys.executable, script(LEAVE)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (5, "leaving\n")


@pytest.mark.parametrize("ranks", [1, 3])
def test_abort_of_one_rank_ends_them_all(mpirun, script, ranks):
    done = mpirun(ranks, script(LEAVE), timeout_s=60)
    assert done.returncode != 0
    assert done.stdout == "leaving\n"
