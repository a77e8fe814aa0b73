"""truncated_normal: x ~ N(mean, std²), drawn again until |x − mean| ≤ bound · std.

`std` is the one before the cut, and `bound` is counted in it (as in Keras and JAX; PyTorch's trunc_normal_
takes the bounds themselves). What remains has the standard deviation std · √(1 − 2 c φ(c) / (2 Φ(c) − 1))
with c = bound, which is 0.880 std for c = 2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.initializers import Initializer


@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    mean: float = number(0.0)
    std: float = number(0.05, minimum=0)
    # Below a half, drawing again would take long.
    bound: float = number(2.0, minimum=0.5)

    def fill(self, out, fan_in, fan_out, rng):
        z = rng.standard_normal(out.size)
        while len(outside := np.flatnonzero(np.abs(z) > self.bound)):
            z[outside] = rng.standard_normal(len(outside))
        out[...] = (self.mean + self.std * z).reshape(out.shape)

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(mean=-1.0, std=2.0, bound=0.5)
