"""multistep: factor = γ^(number of milestones ≤ n), where n counts the epochs (or steps) so far.

γ: gamma, n and milestones in `unit`; their order does not matter. As PyTorch's MultiStepLR.
"""

from dataclasses import dataclass

from bpcore.attributes import choice, integers, number
from bpcore.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Multistep(Schedule):
    milestones: tuple[int, ...] = integers()
    gamma: float = number(0.1, minimum=0)
    unit: str = choice("epoch", "step")

    def shape(self, clock):
        passed = clock.passed(self.unit)
        return self.gamma ** sum(milestone <= passed for milestone in self.milestones)

    @classmethod
    def cases(cls):
        yield cls(milestones=(2, 6))
        yield cls(milestones=(30, 10, 30), gamma=0.5, unit="step", warmup=7)
