"""Kernels made into one call do what they do one by one."""

import gc

import numpy as np
import pytest
from numba import types

from bpcore import kernels
from bpcore.kernels.compiled import Bound, kernel, read
from bpcore.kernels.program import fused

FLOAT32 = np.dtype(np.float32)


@kernel(lambda real: (read(real, 2), types.UniTuple(real[::1], 2), types.int64, real, types.float64, types.boolean, types.UniTuple(types.int64, 2)))
def mix(x, outputs, which, factor, shift, negative, cell):
    """An argument of every kind. Returns something, too."""
    value = x[cell[0], cell[1]] * factor + shift
    outputs[which][0] = -value if negative else value
    return x.sum(), value


def bound(dtype, x, outputs, *others):
    return mix.bound(np.dtype(dtype), x, outputs, *others)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_kind_of_argument_arrives(dtype):
    x, outputs = np.arange(12, dtype=dtype).reshape(3, 4), (np.zeros(1, dtype), np.zeros(1, dtype))
    [program] = fused([bound(dtype, x.T, outputs, 0, dtype(1.5), -0.25, False, (2, 1)), bound(dtype, x[:, ::2], outputs, 1, dtype(0.1), 1e-3, True, (2, 1))])
    program()
    assert [float(each[0]) for each in outputs] == [6 * 1.5 - 0.25, float(dtype(-(dtype(10) * dtype(0.1) + 1e-3)))]


def test_calls_that_are_no_kernels_stay_in_their_place():
    x, said = np.arange(8, dtype=np.float32), []
    relu = kernels.rectification.RELU.over
    calls = [relu(x, x), lambda: x.__isub__(2), relu(x, x), relu(x, x), lambda: said.append(x.tolist())]
    found = fused(calls)
    assert [isinstance(call, Bound) for call in calls] == [True, False, True, True, False]
    assert found[1::2] == calls[1::3] and len(found) == 4
    for call in found:
        call()
    assert said == [[0, 0, 0, 1, 2, 3, 4, 5]]


def test_it_keeps_the_memory_that_it_works_on():
    x = np.array([-1.0, 1.0], np.float32)
    [program] = fused([kernels.rectification.RELU.over(x, kept := np.zeros(2, np.float32))])
    address, expected = kept.ctypes.data, [0.0, 1.0]
    del kept
    gc.collect()
    others = [np.full(2, 7, np.float32) for _ in range(1000)]
    program()
    assert all(each.tolist() == [7, 7] for each in others)
    assert np.ctypeslib.as_array((np.ctypeslib.ctypes.c_float * 2).from_address(address)).tolist() == expected


def test_nothing_to_do_is_nothing():
    assert fused([]) == []


def test_an_argument_of_an_unknown_kind_is_refused():
    @kernel(lambda real: (real[::1], types.unicode_type))
    def named(x, name):
        x[0] = len(name)

    with pytest.raises(TypeError, match="^no program takes unicode_type$"):
        fused([named.bound(FLOAT32, np.zeros(1, np.float32), "ab")])
