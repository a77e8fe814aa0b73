"""polynomial: factor = end + (1 − end) (1 − u)^power, where u runs from 0 to 1 over the training.

`power` 1 is a straight line. As PyTorch's PolynomialLR (end 0) and LinearLR (power 1). Source of the use
over a whole training: Chen et al., "DeepLab", TPAMI 40 (2018), section 4.1.2.
"""

from dataclasses import dataclass

from bpcore.attributes import number
from bpcore.schedules import Schedule


@dataclass(frozen=True)
class Polynomial(Schedule):
    power: float = number(1.0, minimum=0)
    end: float = number(0.0, minimum=0)

    def shape(self, clock):
        left = max(clock.total_steps - clock.step, 0) / clock.total_steps
        return self.end + (1 - self.end) * left**self.power

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(power=0.9, end=0.05, warmup=7)
