"""MPI's world, through mpi4py: Open MPI, MPICH or a cluster's own.

1. The communicator is a duplicate of the world, so no other library's messages can meet ours.
2. A call that fails because a rank died raises (with ULFM; without it, MPI itself ends all ranks). Whoever
   sees it first revokes the communicator, so that nobody waits for the dead; what is left shrinks into a
   world of its own.
3. After a death MPI_Finalize can hang, and under the failure detector it does: ranks leave by a path that
   cannot (_part).
4. Replacements are spawned; they get ready in a world of their own, and are merged at a step boundary.
"""

import os
import socket
import struct
import sys
from contextlib import suppress

import numpy as np
from mpi4py import MPI

from worker.comm import Comm
from worker.node import segments

# By NumPy's letters; dtype.name would take longer than a small message.
TYPES = {np.dtype(name).char: kind for name, kind in [
    ("float32", MPI.FLOAT), ("float64", MPI.DOUBLE), ("int64", MPI.INT64_T), ("uint32", MPI.UINT32_T), ("uint16", MPI.UINT16_T)]}
AT_A_TIME = 1 << 27  # numbers in one message: below 2 GiB in any type
READY, PARTING = 7, 8  # tags of messages
_DETECTOR = "OMPI_MCA_mpi_ft_detector"  # set where mpirun was asked for it


class MpiComm(Comm):
    def __init__(self, world: MPI.Intracomm, parent: MPI.Intercomm | None = None, scarred: bool = False):
        self._world, self._parent, self._scarred = world, parent, scarred or _DETECTOR in os.environ
        self._newcomers: MPI.Intercomm | None = None
        self.rank, self.size = world.rank, world.size
        self._nothing = np.zeros(1)
        self.is_new = parent is not None

    @classmethod
    def world(cls) -> "MpiComm":
        """All ranks that were started together."""
        parent = MPI.Comm.Get_parent()
        return cls(MPI.COMM_WORLD.Dup(), None if parent == MPI.COMM_NULL else parent)

    @property
    def place(self):
        return os.environ.get("PMIX_HOSTNAME", self.host)

    @property
    def is_beside_launcher(self):
        return os.environ.get("PMIX_NAMESPACE", "").startswith(f"prterun-{self.place}-")

    def gather_all(self, data):
        self.watch.waits()
        gathered = self._world.allgather(data)
        self.watch.goes_on()
        return gathered

    def broadcast(self, array, root=0):
        self.watch.waits()
        for part in _parts(array):
            self._world.Bcast([part, TYPES[array.dtype.char]], root)
        self.watch.goes_on()

    def sum(self, array):
        if self.table and self.table.takes(array):
            self.table.sum(array, self._look, self.watch)
            return
        self.watch.waits()
        for part in _parts(array):
            self._world.Allreduce(MPI.IN_PLACE, [part, TYPES[array.dtype.char]])
        self.watch.goes_on()

    def summing(self, array):
        return self.table.summing(array) if self.table and self.table.takes(array) else super().summing(array)

    def settle(self, again):
        if self.table:
            self.table.settle(again, self._look, self.watch)

    def alltoall(self, send, counts, receive, receive_counts, places=None):
        kind = TYPES[send.dtype.char]
        self.watch.waits()
        self._world.Alltoallv([send, counts, kind], [receive, (receive_counts, places), kind] if places else [receive, receive_counts, kind])
        self.watch.goes_on()

    def barrier(self):
        if self.table:
            self.table.sum(self._nothing, self._look, self.watch)
            return
        self.watch.waits()
        self._world.Barrier()
        self.watch.goes_on()

    def close(self, code):
        self.watch.waits()
        if not self._scarred:
            self._world.Barrier()
            return
        self._part()
        self.leave(code)

    def _part(self):
        """Without MPI_Finalize whoever leaves looks dead. So nobody leaves before all are here, and rank 0, which tells them
        that they are, leaves last."""
        others = range(1, self.size)
        if self.rank:
            self._world.send(None, 0, PARTING)
            self._world.recv(source=0, tag=PARTING)
            with suppress(MPI.Exception):
                self._world.ssend(None, 0, PARTING)
            return
        for rank in others:
            self._world.recv(source=rank, tag=PARTING)
        with suppress(MPI.Exception):
            for rank in others:
                self._world.send(None, rank, PARTING)
        for rank in others:
            with suppress(MPI.Exception):
                self._world.recv(source=rank, tag=PARTING)

    def abort(self, code):
        if self.size > 1:  # of a single rank's abort Open MPI's mpirun says 0 with ULFM
            segments.remove(segments.of_job())
            MPI.COMM_WORLD.Abort(code)
        os._exit(code)

    def leave(self, code):
        sys.stdout.flush()
        segments.remove(segments.of_job())  # the dead cannot, and MPI_Finalize is not called
        os._exit(code)

    def fall_silent(self):
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError), socket.socket(fileno=os.dup(int(name))) as copy:  # of anything but a socket: refused
                if copy.family in (socket.AF_INET, socket.AF_INET6):
                    copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def is_death(self, error):
        return isinstance(error, MPI.Exception) and (error.Get_error_class() in _DEATHS or self._has_dead())

    def _look(self) -> None:
        """Raises when a rank has died, as any call would that waits for it."""
        self._world.Iprobe(tag=PARTING)

    def _has_dead(self) -> bool:
        """Interrupted by a death, Open MPI's barrier now and then gives an error without a name (MPI_ERR_OTHER)."""
        try:
            return self._world.Is_revoked() or self._world.Get_failed().size > 0
        except (MPI.Exception, NotImplementedError):  # an MPI without ULFM
            return False

    def survivors(self):
        self.abandon_newcomers()
        self._world.Revoke()  # wakes those that wait for someone else
        left = self._world.Shrink()
        living = MPI.Group.Translate_ranks(left.group, None, self._world.group)
        return MpiComm(left, scarred=True), [rank for rank in range(self.size) if rank not in living]

    def spawn(self, arguments, places):
        hosts = ",".join(f"{place}:{count}" for place, count in places.items())
        info = MPI.Info.Create({"host": hosts, "map_by": ":OVERSUBSCRIBE", "bind_to": "none"})
        newcomers = None
        self.watch.waits()  # until they have started: seconds on a busy machine
        try:
            newcomers = self._world.Spawn(sys.executable, arguments, sum(places.values()), info)
        except MPI.Exception as error:
            if self.is_death(error):
                raise
        self._newcomers = newcomers
        if not self._world.Agree(int(newcomers is not None)):
            self.abandon_newcomers()
        self.watch.goes_on()
        return self._newcomers is not None

    def are_newcomers_ready(self):
        return self._newcomers is not None and self.rank == 0 and self._newcomers.Iprobe(tag=READY)

    def join(self):
        if self.rank == 0:
            self._parent.send(None, 0, READY)
        return MpiComm(self._parent.Merge(high=True), scarred=True)

    def take_in(self):
        merged = None
        self.watch.waits()
        with suppress(MPI.Exception):  # of theirs; of ours Agree tells
            if self.rank == 0:
                self._newcomers.recv(tag=READY)
            merged = self._newcomers.Merge(high=False)
        self._newcomers = None
        agreed = self._world.Agree(int(merged is not None))
        if agreed:
            return MpiComm(merged, scarred=True)  # whose ranks are still waited for: they meet
        self.watch.goes_on()
        return None

    def abandon_newcomers(self):
        if self._newcomers is not None:
            self._newcomers.Revoke()  # their Merge fails, and they leave
            self._newcomers = None


def _parts(array: np.ndarray) -> list[np.ndarray]:
    if len(array) <= AT_A_TIME:
        return [array]
    return [array[start:start + AT_A_TIME] for start in range(0, len(array), AT_A_TIME)]


_DEATHS = {getattr(MPI, name) for name in ("ERR_PROC_FAILED", "ERR_PROC_FAILED_PENDING", "ERR_REVOKED") if hasattr(MPI, name)}
