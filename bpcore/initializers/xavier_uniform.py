"""xavier_uniform: x ~ U(−a, a) with a = √(6 / (fan_in + fan_out)), for sigmoid, tanh and linear outputs.

Source: Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks",
AISTATS 2010, equation 16.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.initializers import Initializer


@dataclass(frozen=True)
class XavierUniform(Initializer):
    def fill(self, out, fan_in, fan_out, rng):
        bound = np.sqrt(6 / (fan_in + fan_out))
        out[...] = rng.uniform(-bound, bound, out.shape)
