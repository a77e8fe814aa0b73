"""A world of one: no mpirun, no MPI."""

import os

from worker.comm import Comm


class Alone(Comm):
    rank, size = 0, 1

    def gather_all(self, data):
        return [data]

    def broadcast(self, array, root=0):
        pass

    def sum(self, array):
        self.watch.goes_on()  # a step is done: nobody waits, but the keeper looks

    def alltoall(self, send, counts, receive, receive_counts, places=None):
        start = places[0] if places else 0
        receive[start:start + counts[0]] = send[:counts[0]]

    def barrier(self):
        pass

    def close(self, code):
        pass

    def abort(self, code):
        os._exit(code)
