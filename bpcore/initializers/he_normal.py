"""he_normal: x ~ N(0, 2 / fan_in), for layers followed by relu.

Source: He et al., "Delving deep into rectifiers", ICCV 2015, section 2.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.initializers import Initializer


@dataclass(frozen=True)
class HeNormal(Initializer):
    def fill(self, out, fan_in, fan_out, rng):
        out[...] = rng.standard_normal(out.shape) * np.sqrt(2 / fan_in)
