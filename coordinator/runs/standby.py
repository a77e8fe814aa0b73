"""Ranks that wait for the next job: its first step comes at once instead of after a second.

1. There is one world of them at most, for as many ranks as the last job had, and only where that many slots are free:
   it never takes time from a job that runs.
2. Whoever takes it calls it to a run, gives it back or sends it away. It leaves by itself when this process is killed.
3. It is no promise: where it has died meanwhile, the job is started as any other.
"""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

from bptrain.v1.spec_pb2 import JobSpec
from coordinator.launchers import Launch, Launcher, Order
from coordinator.store import jobs
from worker import standby
from worker.errors import Unavailable
from worker.record.rundir import RunDir

MOST_RANKS = 16  # each holds some 70 MB
IDLE_S = 1.0  # from the last job's start or end to the start of ranks for the next one
LOOK_S = 0.25
LEAVE_S = 5.0


class World:
    """Ranks that wait in a folder of their own. `lock`: what they wait for."""

    def __init__(self, folder: Path, lock: int, launch: Launch):
        self.folder, self.ranks, self._lock, self._launch = folder, launch.ranks, lock, launch
        self._ended = asyncio.create_task(launch.wait())

    def suits(self, spec: JobSpec) -> bool:
        """Their number of threads was fixed when they started: one."""
        return spec.ranks == self.ranks and spec.threads_per_rank == 1 and self._launch.is_whole()

    @property
    def has_ended(self) -> bool:
        return self._ended.done()

    def call(self) -> Launch:
        """The run's plan is in the folder."""
        self._ended.cancel()
        standby.release(self._lock)
        return self._launch

    async def send_away(self) -> None:
        standby.release(self._lock)
        await asyncio.wait([self._ended], timeout=LEAVE_S)
        while not self._ended.done():
            self._launch.kill()
            await asyncio.wait([self._ended], timeout=LEAVE_S)
        standby.remove(RunDir(self.folder))  # theirs to do, but the dead cannot


class Standby:
    """`most`: ranks that may wait; `runs`: where runs have their folders."""

    def __init__(self, launcher: Launcher, runs: Path, data_root: Path, most: int):
        self._launcher, self._runs, self._data_root, self._most = launcher, runs, data_root, most
        self._world: World | None = None
        self._is_lent = False  # whether someone has it who may give it back
        self._ranks, self._coordinator, self._since = 0, "", 0.0
        self._closing = asyncio.Event()
        self._task: asyncio.Task | None = None

    def expect(self, ranks: int, coordinator: str) -> None:
        """So many ranks, to report to that address, are what will be wanted next. 0: none can be. A world that was taken and not
        given back is in use."""
        self._is_lent = False
        self._ranks, self._coordinator, self._since = ranks if ranks <= self._most else 0, coordinator, time.monotonic()
        self._task = self._task or asyncio.create_task(self._keep())

    def take(self) -> World | None:
        """The world that waits; it is the caller's until it is given back, and no other is started meanwhile."""
        world, self._world = self._world, None
        self._is_lent = world is not None
        return world

    def give_back(self, world: World) -> None:
        self._world, self._is_lent = world, False

    async def close(self) -> None:
        self._closing.set()
        if self._task:
            await self._task
        if world := self.take():
            await world.send_away()

    async def _keep(self) -> None:
        """Until closed, the world that is expected."""
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LOOK_S)
            if self._world and (self._world.ranks != self._ranks or self._world.has_ended):
                world, self._world = self._world, None
                await world.send_away()
            elif not self._world and not self._is_lent and self._ranks and time.monotonic() - self._since > IDLE_S and not self._closing.is_set():
                await self._start()

    async def _start(self) -> None:
        """Whatever is in the way, the next job will say it."""
        folder, ranks = RunDir(self._runs / jobs.new_id()), self._ranks
        try:
            lock = standby.hold(folder)
        except OSError:
            return
        try:
            launch = await self._launcher.start(Order(folder.path, ranks, self._data_root, self._coordinator, standby=True))
            self._world = World(folder.path, lock, launch)
        except (Unavailable, OSError):
            standby.release(lock)
            standby.remove(folder)
            self._ranks = 0  # until the next job
