"""Who computes how many shards: moved from slow ranks to fast ones by measured speed. Pure arithmetic.

Every rank sees the same seconds in the vote, so all decide the same without a message. Bits do not depend on
who computes a shard.
"""

from collections.abc import Sequence

import numpy as np

WINDOW = 32  # steps between two looks; even
GAIN = 0.1  # the part of a step that a move must save
FORGOTTEN = 0.1  # the part of its slowness that a rank without shards is forgiven at each look


class Balance:
    def __init__(self, assignments: Sequence[Sequence[int]]):
        self.assignments = [list(shards) for shards in assignments]
        self._seconds: list[Sequence[float]] = []
        self._pace = [0.0] * len(assignments)  # seconds a shard, when last seen

    def note(self, seconds: Sequence[float]) -> bool:
        """Takes note of what each rank took for a step; whether `assignments` have changed."""
        self._seconds.append(seconds)
        if len(self._seconds) < WINDOW:
            return False
        ordered = np.sort(self._seconds, axis=0)
        typical = (ordered[WINDOW // 2 - 1] + ordered[WINDOW // 2]) / 2
        self._seconds.clear()
        counts = [len(shards) for shards in self.assignments]
        self._pace = [time / count if count else (1 - FORGOTTEN) * before
                      for count, time, before in zip(counts, typical.tolist(), self._pace)]
        better = balanced(counts, self._pace)
        if better == counts:
            return False
        bounds = np.cumsum([0, *better]).tolist()
        self.assignments = [list(range(low, high)) for low, high in zip(bounds, bounds[1:])]
        return True


def balanced(counts: Sequence[int], pace: Sequence[float]) -> list[int]:
    """How many shards each rank should have, when a shard takes it `pace` seconds (0: not known): moves one at a time
    from the slowest to whoever would be done first, while that makes the step shorter; `counts` itself where too
    little is won."""
    known = [each for each in pace if each]
    pace = [each or float(np.mean(known)) if known else 0.0 for each in pace]
    better = list(counts)
    while True:
        slowest = max(range(len(better)), key=lambda rank: better[rank] * pace[rank])
        taker = min(range(len(better)), key=lambda rank: (better[rank] + 1) * pace[rank])
        if (better[taker] + 1) * pace[taker] >= better[slowest] * pace[slowest]:
            break
        better[slowest] -= 1
        better[taker] += 1
    before, after = (max(count * each for count, each in zip(some, pace)) for some in (counts, better))
    return better if after < (1 - GAIN) * before else list(counts)
