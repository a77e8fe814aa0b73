"""identity: W = gain · I, so that a layer starts by handing on its input.

Of an array (…, in, units) the matrix at the middle of the leading axes is gain · I and the others are 0: a
linear layer, or a convolution of one group with padding same. An array of one axis, a scale, is gain
everywhere. Source: Le, Jaitly & Hinton, "A simple way to initialize recurrent networks of rectified
linear units", arXiv:1504.00941 (2015), section 3; for convolutions of odd sizes, PyTorch's dirac_.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.initializers import Initializer


@dataclass(frozen=True)
class Identity(Initializer):
    gain: float = number(1.0)

    def fill(self, out, fan_in, fan_out, rng):
        if out.ndim < 2:
            out.fill(self.gain)
            return
        out.fill(0)
        middle = tuple((size - 1) // 2 for size in out.shape[:-2])
        out[middle] = self.gain * np.eye(*out.shape[-2:])

    @classmethod
    def cases(cls):
        yield cls()
        yield cls(gain=0.5)
