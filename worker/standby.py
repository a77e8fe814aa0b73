"""Ranks that wait for a run: all is imported and MPI is up, so that the first step comes at once.

1. They wait in the system, for a lock on a file in the folder, which their launcher holds. So they take no time, and
   all of them go on at the same moment, also when the launcher is killed.
2. With a plan in the folder then, there is a run. Without one there never will be: they leave, and so does the folder.
"""

import fcntl
import importlib
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from bpcore import kernels
from worker.comm import Comm
from worker.record.rundir import RunDir

# What a run is sure to need, or likely.
AHEAD = ("bpcore.kernels.product", "worker.record.link", "worker.datasets.npz", "worker.exchange.exact")


def is_called(comm: Comm, path: Path) -> bool:
    """Waits; whether there is a run. Collective."""
    _get_ready()
    folder = RunDir(path)
    with open(folder.standby, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
    comm.barrier()  # nobody looks for the file any more
    called = folder.plan.exists()
    if not called and comm.rank == 0:
        remove(folder)
    return called


def _get_ready() -> None:
    for name in AHEAD:
        importlib.import_module(name)
    kernel, real = kernels.rectification.GRADIENT, np.dtype(np.float32)
    if kernel.is_kept(real):  # the first one that is fetched takes ten times as long as all others
        kernel.of(real)


def hold(folder: RunDir) -> int:
    """The launcher's side: makes the folder, in which ranks wait until this lock is released."""
    folder.path.mkdir(parents=True)
    lock = os.open(folder.standby, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def release(lock: int) -> None:
    """Unlocks: a child that is just being started may have the file, too, for a moment."""
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)


def remove(folder: RunDir) -> None:
    """The folder and what its launcher has put there; where there is more, it stays."""
    for path in (folder.log, folder.standby):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.path.rmdir()
