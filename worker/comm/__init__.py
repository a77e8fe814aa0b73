"""Ranks that talk to each other. `mpi.py` is the only file of the project that imports mpi4py.

`connect` gives the world that this process was started in: MPI's, or `Alone` without mpirun.
"""

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from worker.comm.table import Table
from worker.comm.watch import Unwatched, Watch

# Set for every rank by Open MPI, PMIx launchers, MPICH and Intel MPI, MVAPICH, Slurm's PMI, Cray PALS.
LAUNCHER_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "PALS_RANKID")


class Comm(ABC):
    """The contract. All calls but `abort` and `leave` are collective: every rank makes them, in the same order."""

    rank: int
    size: int
    is_new: bool = False  # spawned, to join others
    watch: Watch = Unwatched()
    table: Table | None = None  # where all ranks share memory: small sums go over it

    @property
    def host(self) -> str:
        return socket.gethostname()

    @property
    def place(self) -> str:
        """What the launcher calls this host."""
        return self.host

    @property
    def is_beside_launcher(self) -> bool:
        """Whether the launcher itself surely is on this host."""
        return False

    @abstractmethod
    def gather_all(self, data: bytes) -> list[bytes]:
        """Every rank's `data`, in rank order, on every rank."""

    @abstractmethod
    def broadcast(self, array: np.ndarray, root: int = 0) -> None:
        """Overwrites `array` with the root's."""

    @abstractmethod
    def sum(self, array: np.ndarray) -> None:
        """Replaces `array` by its sum over ranks, elementwise."""

    def summing(self, array: np.ndarray) -> Callable[[], object]:
        """What begins `sum` for this array, in every step: a kernel where that is possible, which can be made one with others
        (bpcore/kernels/program.py). Behind it comes `settle`."""
        return partial(self.sum, array)

    def settle(self, again: Callable[[], object]) -> None:
        """The end of a sum that `summing` has begun. again: that call, with all that was made behind it in one go."""

    @abstractmethod
    def alltoall(self, send: np.ndarray, counts: Sequence[int], receive: np.ndarray, receive_counts: Sequence[int],
                 places: Sequence[int] | None = None) -> None:
        """Sends counts[r] numbers of `send` to rank r, in order. What comes from rank r lies in `receive` from
        places[r] on; without `places`, in rank order."""

    @abstractmethod
    def barrier(self) -> None:
        """Waits until all ranks are here."""

    @abstractmethod
    def close(self, code: int) -> None:
        """Waits for the other ranks and leaves: returns, or ends the process with that status."""

    @abstractmethod
    def abort(self, code: int) -> None:
        """Ends every rank at once; does not return."""

    def leave(self, code: int) -> None:
        """Ends this rank without a word to the others; does not return."""
        os._exit(code)

    def fall_silent(self) -> None:
        """What has been sent and has not arrived when this process ends never will. Those cut off have called the others
        dead: said once the link is whole again, it would be believed."""

    def is_death(self, error: BaseException) -> bool:
        """Whether a call raised `error` because a rank died."""
        return False

    def survivors(self) -> tuple["Comm", list[int]]:
        """After a death: the ranks that are left, as a world of its own; and who died. Collective among the
        survivors."""
        raise NotImplementedError

    # Newcomers take the places of the dead.

    def spawn(self, arguments: list[str], places: Mapping[str, int]) -> bool:
        """Starts that many more ranks at each place, which get ready while these go on; whether that was possible.
        Collective."""
        return False

    def are_newcomers_ready(self) -> bool:
        """On rank 0, whether they wait to be taken in."""
        return False

    def take_in(self) -> "Comm | None":
        """The larger world; None if a newcomer has died. Collective."""

    def join(self) -> "Comm":
        """The newcomers' side: waits until they are taken in. Collective among them."""
        raise NotImplementedError

    def abandon_newcomers(self) -> None:
        """Sends those away that have not been taken in. Collective."""


def connect() -> Comm:
    if any(name in os.environ for name in LAUNCHER_VARIABLES):
        from worker.comm.mpi import MpiComm

        return MpiComm.world()
    from worker.comm.alone import Alone

    return Alone()
