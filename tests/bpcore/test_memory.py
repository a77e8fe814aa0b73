"""Memory that starts on a line of the cache."""

import numpy as np
import pytest

from bpcore import memory
from bpcore.model import Model
from bpcore.spec import parse

JOB = {"model": {"input": [9, 9, 3], "layers": [
    {"kind": "conv2d", "attributes": {"filters": 5, "kernel": 3}}, {"kind": "batch_norm"}, {"kind": "relu"}, {"kind": "flatten"},
    {"kind": "linear", "attributes": {"units": 3}}]}, "loss": "mse", "optimizer": "sgd"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (0, 4), (7, 1, 9)], ids=str)
def test_it_starts_on_a_line_and_has_its_shape(shape, dtype):
    for _ in range(5):
        for array in (memory.zeros(shape, dtype), memory.empty(shape, dtype)):
            assert array.ctypes.data % memory.LINE_BYTES == 0
            assert (array.shape, array.dtype) == (shape, dtype) and array.flags.c_contiguous
    assert not memory.zeros(shape, dtype).any()


def test_every_buffer_of_a_plan_starts_on_a_line():
    plan = Model(parse(JOB)).plan(3)
    buffers = [array for w in plan.steps for array in (w.y, w.dy, *w.dinputs) if array is not None]
    assert {array.ctypes.data % memory.LINE_BYTES for array in buffers} == {0}
