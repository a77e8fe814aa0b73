"""The update of a part of the flat vectors in one pass: each number is read once and written once.

No sums, no fused products: where a part begins and ends changes no bit, nor does it matter which numbers the compiler
takes together.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from numba import types
from numba.extending import intrinsic
from numba.np.unsafe.ndarray import to_fixed_tuple

from bpcore.kernels.compiled import Kernel, helper, read


@cache
def loop(formula: Callable, direction: Callable, vectors: int, settings: int, constants: int) -> Kernel:
    """A kernel (old, new, given, flag, start, stop), which sets flag[0] to 1 where a gradient from start to stop is not finite.

    formula, direction: of one number, as in bpcore/optimization/descent.py and an optimizer. old: flat arrays of the gradient's sum,
    p and so many `vectors` of state; new: of the last two. given: so many `settings`, then so many `constants`.
    """
    move, towards = helper(formula), helper(direction)

    def descend(old, new, given, flag, start, stop):
        setting, constant = to_fixed_tuple(given[:settings], settings), to_fixed_tuple(given[settings:], constants)
        setting, constant, odd = numbers(old, setting), numbers(old, constant), 0
        for i in range(start, stop):
            values = take(old, i)
            g, p, state = move(values[0], values[1], values[2:], setting, constant, towards)
            put(new, i, (p, *state))
            odd |= not abs(g) < math.inf
        if odd:
            flag[0] = 1

    def signature(real: Any) -> tuple:
        known, written = read(real, 1, "C"), types.Array(real, 1, "C")
        return (types.UniTuple(known, 2 + vectors), types.UniTuple(written, 1 + vectors), read(types.float64, 1, "C"),
                types.float64[::1], types.int64, types.int64)

    return Kernel(descend, signature, uses=(formula, direction))


@intrinsic
def take(typing, arrays, i):
    """The i-th number of each array."""
    def generate(context, builder, signature, arguments):
        places = _places(context, builder, signature.args[0], *arguments)
        return context.make_tuple(builder, signature.return_type, [builder.load(place) for place in places])

    return types.UniTuple(arrays.dtype.dtype, len(arrays))(arrays, types.int64), generate


@intrinsic
def put(typing, arrays, i, values):
    """Writes the i-th number of each array."""
    def generate(context, builder, signature, arguments):
        arrays, i, values = arguments
        for k, place in enumerate(_places(context, builder, signature.args[0], arrays, i)):
            builder.store(builder.extract_value(values, k), place)
        return context.get_dummy_value()

    return types.void(arrays, types.int64, values), generate


@intrinsic
def numbers(typing, arrays, floats):
    """Of the arrays' kind."""
    kind = arrays.dtype.dtype

    def generate(context, builder, signature, arguments):
        values = [context.cast(builder, builder.extract_value(arguments[1], k), types.float64, kind) for k in range(len(floats))]
        return context.make_tuple(builder, signature.return_type, values)

    return types.UniTuple(kind, len(floats))(arrays, floats), generate


def _places(context: Any, builder: Any, kinds: Any, arrays: Any, i: Any) -> list[Any]:
    views = [context.make_array(kind)(context, builder, builder.extract_value(arrays, k)) for k, kind in enumerate(kinds)]
    return [builder.gep(view.data, [i]) for view in views]
