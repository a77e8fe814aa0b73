"""Ranks that talk to each other. `mpi.py` is the only file of the project that imports mpi4py.

`connect` gives the world that this process was started in: MPI's, or `Alone` without mpirun.
"""

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

# Set for every rank by Open MPI, PMIx launchers, MPICH and Intel MPI, MVAPICH, Slurm's PMI, Cray PALS.
LAUNCHER_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "PALS_RANKID")


class Comm(ABC):
    """The contract. All calls but `abort` are collective: every rank makes them, in the same order."""

    rank: int
    size: int
    speaks: bool  # for all ranks: rank 0, or the first one left

    @property
    def host(self) -> str:
        return socket.gethostname()

    @abstractmethod
    def gather_all(self, data: bytes) -> list[bytes]:
        """Every rank's `data`, in rank order, on every rank."""

    @abstractmethod
    def broadcast(self, array: np.ndarray) -> None:
        """Overwrites `array` with rank 0's."""

    @abstractmethod
    def sum(self, array: np.ndarray) -> None:
        """Replaces `array` (float64) by its sum over ranks, elementwise."""

    @abstractmethod
    def alltoall(self, send: np.ndarray, counts: Sequence[int], receive_counts: Sequence[int]) -> np.ndarray:
        """Sends counts[r] numbers of `send` to rank r, in order; returns what came, in rank order."""

    @abstractmethod
    def allgather(self, part: np.ndarray, whole: np.ndarray, counts: Sequence[int]) -> None:
        """Fills `whole` with every rank's `part` (counts[r] numbers of rank r), in rank order."""

    @abstractmethod
    def close(self) -> None:
        """Waits for the other ranks and leaves."""

    @abstractmethod
    def abort(self, code: int) -> None:
        """Ends every rank at once; does not return."""

    def leave(self, code: int) -> None:
        """Ends the survivors of a death, together; does not return."""
        self.abort(code)

    def lost(self, error: BaseException) -> str | None:
        """A sentence naming the ranks whose death made a call raise `error`; None if it was none. The
        survivors all ask, and all get the same answer."""
        return None


def connect() -> Comm:
    if any(name in os.environ for name in LAUNCHER_VARIABLES):
        from worker.comm.mpi import MpiComm

        return MpiComm()
    from worker.comm.alone import Alone

    return Alone()
