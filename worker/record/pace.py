"""Where steps' time goes, for people: means over a few seconds, of numbers that the vote has anyway."""

import time
from collections.abc import Sequence

from bptrain.v1.report_pb2 import Pace

PERIOD_S = 3.0


class Gauge:
    """From `step` on. `hosts`: of the ranks, in their order."""

    def __init__(self, step: int, hosts: Sequence[str]):
        self._hosts = hosts
        self._begin(step)

    def _begin(self, step: int) -> None:
        self._since, self._first, self._seen, self._read_s, self._rank_s = time.monotonic(), step, 0, 0.0, [0.0] * len(self._hosts)

    def note(self, step: int, rank_s: Sequence[float], read_s: float) -> Pace | None:
        """Takes note of a step, which need not be each; at the end of a period, what its steps were like."""
        self._seen += 1
        self._read_s += read_s
        self._rank_s = [before + seconds for before, seconds in zip(self._rank_s, rank_s)]
        passed = time.monotonic() - self._since
        if passed < PERIOD_S:
            return None
        steps, seen = step + 1 - self._first, self._seen
        pace = Pace(step=step, steps=steps, step_s=passed / steps, rank_s=[seconds / seen for seconds in self._rank_s],
                    read_s=self._read_s / seen, hosts=self._hosts)
        self._begin(step + 1)
        return pace
