"""Newcomers that cannot be started: their host is unknown, full, or gone. This file is run as a script by mpirun."""

import pytest

from worker.comm import connect


@pytest.mark.slow
def test_newcomers_that_cannot_be_started_harm_nobody(mpirun):
    assert mpirun(2, __file__).stdout.splitlines() == ["[False, False]"]


if __name__ == "__main__":
    world = connect()
    were_started = world.spawn(["-c", ""], {"nowhere.invalid": 1})
    told = [data == b"True" for data in world.gather_all(str(were_started).encode())]
    if world.rank == 0:
        print(told)
    world.close(0)
