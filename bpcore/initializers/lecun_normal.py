"""lecun_normal: x ~ N(0, 1 / fan_in), for selu and for layers whose input has variance 1.

Sources: LeCun et al., "Efficient backprop" (1998), section 4.6; Klambauer et al., "Self-normalizing
neural networks", NeurIPS 2017.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.initializers import Initializer


@dataclass(frozen=True)
class LecunNormal(Initializer):
    def fill(self, out, fan_in, fan_out, rng):
        out[...] = rng.standard_normal(out.shape) * np.sqrt(1 / fan_in)
