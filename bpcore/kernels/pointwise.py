"""Functions of numbers over whole arrays: bpcore/kernels/functions.py says what such functions are."""

from collections.abc import Callable

import numpy as np
from numba import types

from bpcore.kernels.blocks import address
from bpcore.kernels.compiled import Kernel, read
from bpcore.kernels.functions import over


class Pointwise(Kernel):
    """A kernel of one tuple of flat arrays of one length: `inputs` that are read, then `outputs` that are written.

    function: one that its name tells from all others.
    """

    def __init__(self, function: Callable, inputs: int, outputs: int = 1):
        walk = over(function, inputs)

        def run(arrays):
            places = np.empty(len(arrays), np.int64)
            for i in range(len(arrays)):
                places[i] = address(arrays[i])
            if arrays[0].size:
                walk(arrays[0], address(places), arrays[0].size)

        super().__init__(run, lambda real: (types.UniTuple(read(real, 1, "C"), inputs + outputs),), uses=(function,))

    def over(self, *arrays: np.ndarray) -> Callable[[], object]:
        """The call for these arrays, of any one shape, in order in memory."""
        return self.bound(arrays[0].dtype, tuple(np.ravel(array) for array in arrays))
