"""exponential: factor = γⁿ, where n counts the epochs (or steps) so far.

γ: gamma, n in `unit`. As PyTorch's ExponentialLR.
"""

from dataclasses import dataclass

from bpcore.attributes import choice, number
from bpcore.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    gamma: float = number(above=0)
    unit: str = choice("epoch", "step")

    def shape(self, clock):
        return self.gamma ** clock.passed(self.unit)

    @classmethod
    def cases(cls):
        yield cls(gamma=0.9)
        yield cls(gamma=0.99, unit="step", warmup=7)
