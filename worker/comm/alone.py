"""A world of one: no mpirun, no MPI. Nobody waits; that it goes on is told, for the keeper ends who stands still."""

import os

from worker.comm import Comm


class Alone(Comm):
    rank, size = 0, 1

    def gather_all(self, data):
        self.watch.goes_on()
        return [data]

    def broadcast(self, array, root=0):
        self.watch.goes_on()

    def sum(self, array):
        self.watch.goes_on()

    def alltoall(self, send, counts, receive, receive_counts, places=None):
        start = places[0] if places else 0
        receive[start:start + counts[0]] = send[:counts[0]]
        self.watch.goes_on()

    def barrier(self):
        self.watch.goes_on()

    def close(self, code):
        pass

    def abort(self, code):
        os._exit(code)
