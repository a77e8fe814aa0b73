"""uniform: x ~ U(low, high), whatever the fans."""

from dataclasses import dataclass

from bpcore.attributes import number
from bpcore.initializers import Initializer


@dataclass(frozen=True)
class Uniform(Initializer):
    low: float = number(-0.05)
    high: float = number(0.05)

    def fill(self, out, fan_in, fan_out, rng):
        out[...] = self.low + (self.high - self.low) * rng.random(out.shape)

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(low=1.0, high=3.0)
