"""normal: x ~ N(mean, std²), whatever the fans."""

from dataclasses import dataclass

from bpcore.attributes import number
from bpcore.initializers import Initializer


@dataclass(frozen=True)
class Normal(Initializer):
    mean: float = number(0.0)
    std: float = number(0.05, minimum=0)

    def fill(self, out, fan_in, fan_out, rng):
        out[...] = self.mean + self.std * rng.standard_normal(out.shape)

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(mean=-1.0, std=2.0)
