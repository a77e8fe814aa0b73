"""he_uniform: x ~ U(−a, a) with a = √(6 / fan_in), for layers followed by relu.

Source: He et al., "Delving deep into rectifiers", ICCV 2015, section 2.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.initializers import Initializer


@dataclass(frozen=True)
class HeUniform(Initializer):
    def fill(self, out, fan_in, fan_out, rng):
        bound = np.sqrt(6 / fan_in)
        out[...] = rng.uniform(-bound, bound, out.shape)
