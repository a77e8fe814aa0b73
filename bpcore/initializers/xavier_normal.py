"""xavier_normal: x ~ N(0, 2 / (fan_in + fan_out)), for sigmoid, tanh and linear outputs.

Source: Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks",
AISTATS 2010, section 4.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.initializers import Initializer


@dataclass(frozen=True)
class XavierNormal(Initializer):
    def fill(self, out, fan_in, fan_out, rng):
        out[...] = rng.standard_normal(out.shape) * np.sqrt(2 / (fan_in + fan_out))
