"""Ranks that wait for the next job, and who has them."""

import asyncio
import sys

import psutil

from coordinator.launchers.local import LocalLaunch
from coordinator.runs import standby
from coordinator.runs.standby import Standby

# In place of mpirun: waits as its ranks would, until the folder's lock is released.
WAITER = "import fcntl, sys; fcntl.flock(open(sys.argv[-1] + '/standby'), fcntl.LOCK_SH)"


class Starts:
    """A launcher that keeps what it has started."""

    def __init__(self):
        self.processes = []

    async def start(self, order):
        command = [sys.executable, "-c", WAITER, "-n", str(order.ranks), "-m", "worker", str(order.run_dir)]
        self.processes.append(psutil.Popen(command))
        return LocalLaunch(self.processes[-1], command, self.processes[-1])


def test_while_someone_has_the_world_and_may_give_it_back_no_other_is_started(tmp_path, monkeypatch):
    """Of two worlds one would be forgotten, and wait for as long as the coordinator lives."""
    monkeypatch.setattr(standby, "IDLE_S", 0.0)
    monkeypatch.setattr(standby, "LOOK_S", 0.01)
    starts = Starts()

    async def story():
        kept = Standby(starts, tmp_path, tmp_path, most=2)
        kept.expect(2, "127.0.0.1:1")
        while not (world := kept.take()):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        kept.give_back(world)
        await asyncio.sleep(0.3)
        before_the_end = len(starts.processes)
        await kept.close()
        return before_the_end

    assert asyncio.run(asyncio.wait_for(story(), 120)) == 1
    assert [process.wait(60) for process in starts.processes] == [0]
