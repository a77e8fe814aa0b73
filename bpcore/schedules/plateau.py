"""plateau: factor γᵏ, where k counts the times that the held-out loss stood still.

It stands still when it was not below best · (1 − threshold) in more than `patience` evaluations on end;
then counting rests for `cooldown` evaluations. `floor` is the smallest factor. As PyTorch's
ReduceLROnPlateau, mode min, threshold_mode rel, whose `factor` is gamma here; for negative losses the
threshold is taken from |best|. Without held-out data there are no evaluations, and the factor stays 1.
"""

import math
from dataclasses import dataclass

from bpcore.attributes import integer, number
from bpcore.schedules import Schedule


@dataclass(frozen=True)
class Plateau(Schedule):
    gamma: float = number(0.1, minimum=0, below=1)
    patience: int = integer(10)
    threshold: float = number(0.0001, minimum=0, below=1)
    cooldown: int = integer(0)
    floor: float = number(0.0, minimum=0, below=1)

    def shape(self, clock):
        best, bad, rest, factor = math.inf, 0, 0, 1.0
        for loss in clock.evaluations:
            better = loss < best * (1 - math.copysign(self.threshold, best))
            best, bad = (loss, 0) if better else (best, bad + 1)
            if rest:
                rest, bad = rest - 1, 0
            if bad > self.patience:
                factor, rest, bad = max(factor * self.gamma, self.floor), self.cooldown, 0
        return factor

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(gamma=0.5, patience=1, threshold=0.01, cooldown=2, floor=0.2, warmup=7)
