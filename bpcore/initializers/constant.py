"""constant: x = value, such as 1 for the scale of a norm, or 1 for the forget gate's bias of an lstm."""

from dataclasses import dataclass

from bpcore.attributes import number
from bpcore.initializers import Initializer


@dataclass(frozen=True)
class Constant(Initializer):
    value: float = number()

    def fill(self, out, fan_in, fan_out, rng):
        out.fill(self.value)

    @classmethod
    def cases(cls):
        yield cls(1.0)
        yield cls(value=-0.25)
