"""local: mpirun on this machine."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import psutil

from coordinator.launchers import Launch, Launcher, Order, Room, mpirun, scratch
from worker.errors import Unavailable
from worker.node import segments
from worker.record.rundir import RunDir

POLL_S = 0.1
LOOKS = 300  # in half a minute all ranks are there


class Local(Launcher):
    """`more`: options for mpirun."""

    def __init__(self, more: Sequence[str] = ()):
        self._more = more

    def command(self, order: Order) -> list[str]:
        program = mpirun.program()
        report = ["--coordinator", order.coordinator] if order.coordinator else []
        logged = mpirun.tagging(mpirun.version(program)) if order.coordinator or order.standby else []  # nobody else reads it
        return [program, *self._options(mpirun.version(program), order), *logged, *self._more, "-n", str(order.ranks),
                sys.executable, "-m", "worker", str(order.run_dir.resolve()),
                "--data-root", str(order.data_root.resolve()), *report, *(["--resume"] if order.resume else []),
                *(["--standby"] if order.standby else [])]

    async def start(self, order: Order) -> Launch:
        command = await asyncio.to_thread(self.command, order)
        environment = mpirun.environment() | await asyncio.to_thread(self._scratch, order)
        with open(RunDir(order.run_dir).log, "ab") as log:
            try:
                process = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=order.run_dir,
                                       env=environment, start_new_session=True)
            except OSError as error:
                raise Unavailable(f"mpirun cannot be started: {error.strerror}") from None
        return self._launch(process, command, process)

    async def room(self, ranks: int) -> Room:
        return Room(ranks)

    def find(self, run_dir: Path) -> Launch | None:
        mark = str(run_dir.resolve())
        for process, command in _launches():
            if mark in command:
                return self._launch(process, command, None)
        scratch.remove(run_dir)  # it may have been killed when nobody was there
        return None

    def running(self, runs: Path) -> list[Path]:
        folders = [Path(command[command.index("worker") + 1]) for _, command in _launches() if "worker" in command]
        return [folder for folder in folders if folder.parent == runs.resolve()]

    def _options(self, said: str, order: Order) -> list[str]:
        return mpirun.options(said)

    def _scratch(self, order: Order) -> dict[str, str]:
        return scratch.environment(order.run_dir)

    def _launch(self, process: psutil.Process, command: list[str], child: psutil.Popen | None) -> Launch:
        return LocalLaunch(process, command, child)


class LocalLaunch(Launch):
    """`command`: mpirun's. `child`: the same process where it is our own, so that its exit status can be had."""

    def __init__(self, process: psutil.Process, command: list[str], child: psutil.Popen | None = None):
        self._process, self._child = process, child
        self._killed = False
        self._asked: set[psutil.Process] = set()  # to stop
        self._short = 0  # how often in a row ranks were missing
        self._segments: set[Path] = set()
        self.ranks = int(command[command.index("-n") + 1]) if "-n" in command else 1
        self._run_dir = Path(command[command.index("worker") + 1])
        self._worker = command[command.index("-m"):][:3]  # what only this run's ranks are called with

    async def wait(self) -> int | None:
        looked = 0
        while not self._is_over():
            await asyncio.sleep(POLL_S)
            if not self._segments and looked < LOOKS:  # for what to remove, should the ranks be killed; one alone has none
                looked += 1
                self._segments = await asyncio.to_thread(self._look_for_segments)
        await asyncio.to_thread(self._end_the_rest)
        segments.remove(self._segments)
        await asyncio.to_thread(scratch.remove, self._run_dir)
        return self._child.returncode if self._child else None

    def ask_to_stop(self) -> None:
        ranks = set(self._ranks())
        self._signal(signal.SIGTERM, ranks - self._asked)
        self._asked |= ranks

    def ask_to_leave(self) -> None:
        self._signal(signal.SIGUSR2, self._ranks())

    def kill(self) -> None:
        if self._killed:
            self._signal(signal.SIGKILL, [*self._descendants(), self._process])
        else:  # mpirun ends when its ranks are gone, and clears up behind them
            self._killed = True
            self._signal(signal.SIGKILL, self._ranks())
            self._signal(signal.SIGTERM, [self._process])

    def is_whole(self) -> bool:
        return sum(map(_alive, self._ranks())) == self.ranks

    def lost_ranks(self) -> bool:
        alive = sum(map(_alive, self._ranks()))
        self._short = self._short + 1 if 0 < alive < self.ranks else 0
        return self._short > 2  # not while they are being started

    def _is_over(self) -> bool:
        return self._child.poll() is not None if self._child else not _alive(self._process)

    def _look_for_segments(self) -> set[Path]:
        return set().union(*(segments.of_job(process.pid) for process in self._ranks()))

    def _end_the_rest(self) -> None:
        """Ranks miss an mpirun that was killed, but not at once: until then they would be in the way of those that
        are started again."""
        rest = [process for process in psutil.process_iter() if self._is_rank(process)]
        self._segments |= set().union(*(segments.of_job(process.pid) for process in rest))
        self._signal(signal.SIGKILL, rest)
        psutil.wait_procs(rest)

    def _ranks(self) -> list[psutil.Process]:
        """Not what is to become one, and is called as mpirun still: it would swallow a signal."""
        return [process for process in self._descendants() if self._is_rank(process)]

    def _is_rank(self, process: psutil.Process) -> bool:
        return _command(process)[1:4] == self._worker

    def _descendants(self) -> list[psutil.Process]:
        try:
            return self._process.children(recursive=True)
        except psutil.Error:
            return []

    def _signal(self, number: int, processes: Iterable[psutil.Process]) -> None:
        for process in processes:
            try:
                process.send_signal(number)
            except psutil.Error:
                continue


def _launches() -> Iterator[tuple[psutil.Process, list[str]]]:
    """Every mpirun on this machine, and how it was called; none that is not ours to look at."""
    for process in psutil.process_iter():
        command = _command(process)
        if command and Path(command[0]).name.startswith(("mpi", "prte")):
            yield process, command


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
