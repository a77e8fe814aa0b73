"""orthogonal: W with WᵀW = gain² I, drawn evenly from all such; for recurrent and deep linear layers.

W is the array as a matrix: its last axis (the units) by all others. With more units than other numbers
WWᵀ = gain² I instead. An array of one axis becomes a vector of length gain. Sources: Saxe, McClelland &
Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", ICLR
2014; Mezzadri, "How to generate random matrices from the classical compact groups", Notices of the AMS
54 (2007), section 5, for the signs that make it even.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.initializers import Initializer


@dataclass(frozen=True)
class Orthogonal(Initializer):
    gain: float = number(1.0)

    def fill(self, out, fan_in, fan_out, rng):
        units = out.shape[-1]
        rest = out.size // units
        q, r = np.linalg.qr(rng.standard_normal((max(rest, units), min(rest, units))))
        q *= np.where(np.diagonal(r) < 0, -self.gain, self.gain)
        out[...] = (q if rest >= units else q.T).reshape(out.shape)

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(gain=2**0.5)
