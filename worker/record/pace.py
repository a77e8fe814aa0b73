"""Where steps' time goes, for people: means over a few seconds, of numbers that the vote has anyway."""

import time
from collections.abc import Sequence

from bptrain.v1.report_pb2 import Pace

PERIOD_S = 3.0


class Gauge:
    """`hosts`: of the ranks, in their order."""

    def __init__(self, hosts: Sequence[str]):
        self._hosts = hosts
        self._begin()

    def _begin(self) -> None:
        self._since, self._steps, self._read_s, self._rank_s = time.monotonic(), 0, 0.0, [0.0] * len(self._hosts)

    def note(self, step: int, rank_s: Sequence[float], read_s: float) -> Pace | None:
        """Takes note of a step; at the end of a period, what its steps were like."""
        self._steps += 1
        self._read_s += read_s
        self._rank_s = [before + seconds for before, seconds in zip(self._rank_s, rank_s)]
        passed = time.monotonic() - self._since
        if passed < PERIOD_S:
            return None
        count = self._steps
        pace = Pace(step=step, steps=count, step_s=passed / count, rank_s=[seconds / count for seconds in self._rank_s],
                    read_s=self._read_s / count, hosts=self._hosts)
        self._begin()
        return pace
