"""A world of one: no mpirun, no MPI."""

import os

from worker.comm import Comm


class Alone(Comm):
    rank, size, speaks = 0, 1, True

    def gather_all(self, data):
        return [data]

    def broadcast(self, array):
        pass

    def sum(self, array):
        pass

    def alltoall(self, send, counts, receive_counts):
        return send

    def allgather(self, part, whole, counts):
        whole[...] = part

    def close(self):
        pass

    def abort(self, code):
        os._exit(code)
