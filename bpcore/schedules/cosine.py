"""cosine: factor = floor + (1 − floor) (1 + cos(π u)) / 2, where u runs from 0 to 1 over the training.

With `cycles` > 1 it starts again so many times in all. Source: Loshchilov & Hutter, "SGDR: stochastic
gradient descent with warm restarts", ICLR 2017, equation 5.
"""

import math
from dataclasses import dataclass

from bpcore.attributes import integer, number
from bpcore.schedules import Schedule


@dataclass(frozen=True)
class Cosine(Schedule):
    floor: float = number(0.0, minimum=0)
    cycles: int = integer(1, minimum=1)

    def shape(self, clock):
        # In integers: a float would now and then fall short of a new cycle's first step.
        within = clock.step < clock.total_steps
        u = clock.step * self.cycles % clock.total_steps / clock.total_steps if within else 1.0
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * u)) / 2

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(floor=0.1, cycles=3, warmup=4)
