"""local: mpirun on this machine."""

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from coordinator.launchers import Launch, Launcher, Order, mpirun, poll
from worker.errors import Unavailable
from worker.rundir import RunDir


class Local(Launcher):
    def command(self, order: Order) -> list[str]:
        program = mpirun.program()
        report = ["--coordinator", order.coordinator] if order.coordinator else []
        return [program, *mpirun.options(mpirun.version(program)), "-n", str(order.ranks),
                sys.executable, "-m", "worker", str(order.run_dir.resolve()),
                "--data-root", str(order.data_root.resolve()), *report, *(["--resume"] if order.resume else [])]

    async def start(self, order: Order) -> Launch:
        command = await asyncio.to_thread(self.command, order)
        with open(RunDir(order.run_dir).log, "ab") as log:
            try:
                process = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=order.run_dir,
                                       env=mpirun.environment(), start_new_session=True)
            except OSError as error:
                raise Unavailable(f"mpirun cannot be started: {error.strerror}") from None
        return LocalLaunch(process, process)

    def find(self, run_dir: Path) -> Launch | None:
        mark = str(run_dir.resolve())
        for process in psutil.process_iter():
            try:
                command = process.cmdline()
                if mark in command and Path(command[0]).name.startswith(("mpi", "prte")):
                    return LocalLaunch(process, None)
            except psutil.Error:
                continue  # gone, or not ours to look at
        return None


class LocalLaunch(Launch):
    """`child`: the same process where it is our own, so that its exit status can be had."""

    def __init__(self, process: psutil.Process, child: psutil.Popen | None):
        self._process, self._child = process, child
        self._killed = False
        self._seen: set[int] = set()

    async def wait(self) -> int | None:
        await poll(lambda: self._child.poll() is not None if self._child else not _alive(self._process))
        # Open MPI clears up after itself unless it was killed.
        await asyncio.to_thread(shutil.rmtree, Path(tempfile.gettempdir()) / f"ompi.{self._process.pid}", ignore_errors=True)
        return self._child.returncode if self._child else None

    def ask_to_stop(self) -> None:
        self._signal(signal.SIGTERM, self._ranks())

    def kill(self) -> None:
        if self._killed:
            self._signal(signal.SIGKILL, [*self._descendants(), self._process])
        else:  # mpirun ends when its ranks are gone, and clears up behind them
            self._killed = True
            self._signal(signal.SIGKILL, self._ranks())
            self._signal(signal.SIGTERM, [self._process])

    def lost_ranks(self) -> bool:
        alive = {process.pid for process in self._ranks() if _alive(process)}
        self._seen |= alive
        return bool(alive) and alive != self._seen

    def _ranks(self) -> list[psutil.Process]:
        return [process for process in self._descendants() if "worker" in _command(process)]

    def _descendants(self) -> list[psutil.Process]:
        try:
            return self._process.children(recursive=True)
        except psutil.Error:
            return []

    def _signal(self, number: int, processes: list[psutil.Process]) -> None:
        for process in processes:
            try:
                process.send_signal(number)
            except psutil.Error:
                continue


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
