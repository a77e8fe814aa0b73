"""step: factor = γ^⌊n / every⌋, where n counts the epochs (or steps) so far.

γ: gamma, n in `unit`. As PyTorch's StepLR.
"""

from dataclasses import dataclass

from bpcore.attributes import choice, integer, number
from bpcore.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    every: int = integer(minimum=1)
    gamma: float = number(0.1, minimum=0)
    unit: str = choice("epoch", "step")

    def shape(self, clock):
        return self.gamma ** (clock.passed(self.unit) // self.every)

    @classmethod
    def cases(cls):
        yield cls(every=3)
        yield cls(every=20, gamma=0.5, unit="step", warmup=7)
