"""MPI's world, through mpi4py: Open MPI, MPICH or a cluster's own.

1. The communicator is a duplicate of the world, so no other library's messages can meet ours.
2. A call that fails because a rank died raises; nobody waits for the dead (with ULFM; without it, MPI
   itself ends all ranks).
3. After a death MPI_Finalize can hang: `abort` leaves by a path that cannot.
"""

import os

import numpy as np
from mpi4py import MPI

from worker import segments
from worker.comm import Comm

TYPES = {"float32": MPI.FLOAT, "float64": MPI.DOUBLE}


class MpiComm(Comm):
    def __init__(self) -> None:
        self._world = MPI.COMM_WORLD.Dup()
        self.rank, self.size = self._world.rank, self._world.size
        self.speaks = self.rank == 0
        self._hosts = self._world.allgather(self.host)

    def gather_all(self, data):
        return self._world.allgather(data)

    def broadcast(self, array):
        self._world.Bcast([array, TYPES[array.dtype.name]])

    def sum(self, array):
        self._world.Allreduce(MPI.IN_PLACE, [array, MPI.DOUBLE])

    def alltoall(self, send, counts, receive_counts):
        received = np.empty(sum(receive_counts), send.dtype)
        kind = TYPES[send.dtype.name]
        self._world.Alltoallv([send, counts, kind], [received, receive_counts, kind])
        return received

    def allgather(self, part, whole, counts):
        kind = TYPES[whole.dtype.name]
        self._world.Allgatherv([part, kind], [whole, counts, kind])

    def close(self):
        self._world.Barrier()

    def abort(self, code):
        if self.size > 1:  # of a single rank's abort Open MPI's mpirun says 0 with ULFM
            MPI.COMM_WORLD.Abort(code)
        os._exit(code)

    def leave(self, code):
        # With ULFM, MPI_Abort after a death can hang mpirun. The survivors go together, so that none takes
        # another's going for the death to report.
        try:
            self._survivors.Barrier()
        finally:
            segments.remove(segments.of_job())  # the dead cannot, and MPI_Finalize is not called
            os._exit(code)

    def lost(self, error):
        if not isinstance(error, MPI.Exception) or error.Get_error_class() not in _DEATHS:
            return None
        self._world.Revoke()  # wakes those that wait for someone else
        self._survivors = self._world.Shrink()
        living = MPI.Group.Translate_ranks(self._survivors.group, None, self._world.group)
        self.speaks = self._survivors.rank == 0
        return " and ".join(f"rank {rank} on {self._hosts[rank]} died" for rank in range(self.size) if rank not in living)


_DEATHS = {getattr(MPI, name) for name in ("ERR_PROC_FAILED", "ERR_PROC_FAILED_PENDING", "ERR_REVOKED") if hasattr(MPI, name)}
