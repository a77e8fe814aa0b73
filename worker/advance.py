"""From the gradients of all shards to the next buffer: the sum, the update and the barrier behind it.

1. Each rank of a node has a part of the vector of its own, which it goes over in chunks that stay in the cache.
2. What is called in every step is bound once to the vectors that it goes over, and where it is machine code made one call
   (bpcore/kernels/program.py). Who measures sees the sums apart from the updates: they are not made one then.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from bpcore import kernels
from bpcore.arena import Vector
from bpcore.bound import ByVector
from bpcore.optimization.update import Pace, Update, Updater
from worker.crew import Crew
from worker.exchange import Exchange
from worker.node.replica import Replica
from worker.stopwatch import OFF, Stopwatch

CHUNK = 1 << 16  # numbers summed and updated at a time


class Advance:
    def __init__(self, crew: Crew, updater: Updater, replica: Replica, exchange: Exchange):
        self._crew, self._updater, self._replica, self._exchange = crew, updater, replica, exchange
        self._chunks = chunks(updater.borders, crew.place, len(crew.mates))
        self._clips = updater.norms(Pace(1, 1, 1), np.zeros(updater.borders[-1], np.float32), slice(0, 0)).size > 0
        self._not_finite = np.zeros(1)
        self._barrier = crew.comm.summing(self._not_finite)
        self._clock = OFF

    def assign(self) -> None:
        """The exchange has been told who holds which shards."""
        self._sums = [(part, self._exchange.sums(part)) for part in self._chunks]
        self._bound = ByVector(self._bind)

    def measure(self, clock: Stopwatch) -> None:
        self._clock = clock
        self._bound = ByVector(self._bind)

    def run(self, pace: Pace) -> bool:
        """Writes this rank's part of the next buffer, and waits until all have; whether all that was used is finite. Collective."""
        norms = self._norms(pace) if self._clips else None
        updates, calls = self._bound.of(self._replica.current.parameters)
        for update in updates:
            update.tell(pace, norms)
        self._not_finite[0] = 0
        for call in calls:
            call()
        self._crew.comm.settle(self._barrier)
        return not self._not_finite[0]

    def _bind(self, parameters: Vector) -> tuple[list[Update], list[Callable[[], object]]]:
        """The updates from this buffer to the other, and all that is called."""
        old, new = self._replica.current, self._replica.next
        summed, updated = ([] if self._clock is OFF else [partial(self._clock.mark, name)] for name in ("exchange", "update"))
        updates, calls = [], []
        for part, sums in self._sums:
            update = self._updater.bound(self._exchange.total, old.parameters.flat, old.flat_state, new.parameters.flat, new.flat_state,
                                         self._not_finite, part)
            updates.append(update)
            calls += [*([] if self._clips else sums), *summed, *update.calls, *updated]
        return updates, kernels.program.fused([*calls, self._barrier])

    def _norms(self, pace: Pace) -> np.ndarray:
        """What clipping needs to know of the whole gradient. The ranks of one node have all of it."""
        norms = self._updater.norms(pace, self._exchange.total, slice(0, 0))
        for part, sums in self._sums:
            for add in sums:
                add()
            if self._crew.comm.rank in self._crew.nodes[0]:
                norms += self._updater.norms(pace, self._exchange.total, part)
        self._crew.comm.sum(norms)
        return norms


def chunks(borders: np.ndarray, place: int, count: int) -> list[slice]:
    """The part of the place-th of `count` ranks, in pieces. `borders`: where the vector may be cut."""
    low, high = (borders[np.searchsorted(borders, borders[-1] * i // count)] for i in (place, place + 1))
    cuts = np.unique([*borders[np.searchsorted(borders, np.arange(low, high, CHUNK))], high])
    return [slice(int(start), int(stop)) for start, stop in zip(cuts, cuts[1:])]
