"""lecun_uniform: x ~ U(−a, a) with a = √(3 / fan_in), which has the variance 1 / fan_in.

Source: LeCun et al., "Efficient backprop" (1998), section 4.6.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.initializers import Initializer


@dataclass(frozen=True)
class LecunUniform(Initializer):
    def fill(self, out, fan_in, fan_out, rng):
        bound = np.sqrt(3 / fan_in)
        out[...] = rng.uniform(-bound, bound, out.shape)
