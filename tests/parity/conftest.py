"""What parity tests share: PyTorch where it is installed, and the comparison of one layer with it.

Errors are relative to the largest number of an array, or to 1 where that is larger. Inputs are drawn in
float32 and PyTorch computes in float64, so our float32 is compared with the exact result of the same
inputs, not with another rounding.
"""

import numpy as np
import pytest

from bpcore.gradcheck import workspace
from bpcore.layers import Case

TOLERANCE = {np.float64: 1e-9, np.float32: 1e-5}


@pytest.fixture(scope="session")
def torch():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")
    torch.set_num_threads(1)  # arrays are small: waking a second thread takes longer than the work
    return torch


@pytest.fixture(scope="session")
def agrees(torch):
    """`agrees(layer, shape, batch, reference)`: asserts that outputs and all gradients are PyTorch's.

    `reference(x, **parameters)` computes y from tensors in our order of axes. `values` draws numbers of a
    shape from a generator (default: standard normal). Returns our float64 workspace, for further looks.
    """

    def check(layer, shape, batch, reference, seed=0, training=True, values=np.random.Generator.standard_normal):
        random = np.random.default_rng(seed)
        given = workspace(Case(layer, [shape], batch, training=training), random, np.float32)
        given.x[...], given.dy[...] = values(random, given.x.shape), random.standard_normal(given.y.shape)
        statistics = {name for name, parameter in layer.parameters(shape).items() if parameter.momentum is not None}
        for name in statistics:
            given.p[name][...] = np.abs(given.p[name])  # a variance is not negative
        wanted = _theirs(torch, given, reference)
        assert wanted.keys() == {"y", "dx", *given.p} - statistics, "the reference leaves something out"
        both = {dtype: _ours(layer, given, dtype) for dtype in TOLERANCE}
        for dtype, w in both.items():
            for name, array in wanted.items():
                error = relative_error({"y": w.y, "dx": w.dx, **w.g}[name], array)
                assert error <= TOLERANCE[dtype], (error, name, dtype, layer, shape, batch)
        return both[np.float64]

    return check


def relative_error(ours, theirs):
    assert ours.shape == theirs.shape
    return np.max(np.abs(ours - theirs)) / max(1, np.max(np.abs(theirs)))


def _theirs(torch, given, reference):
    """y, and the gradients of x and of every parameter that y depends on, in float64."""
    x = torch.from_numpy(given.x.astype(np.float64)).requires_grad_()
    p = {name: torch.from_numpy(array.astype(np.float64)).requires_grad_() for name, array in given.p.items()}
    y = reference(x, **p)
    y.backward(torch.from_numpy(given.dy.astype(np.float64)))
    found = {"y": y.detach(), "dx": x.grad, **{name: tensor.grad for name, tensor in p.items() if tensor.grad is not None}}
    return {name: tensor.numpy() for name, tensor in found.items()}


def _ours(layer, given, dtype):
    """The workspace after forward and backward, with inputs whose memory is not in order."""
    w = workspace(Case(layer, [given.x.shape[1:]], len(given.x), training=given.training), np.random.default_rng(0), dtype)
    w.x = w.inputs[0] = np.asfortranarray(given.x.astype(dtype))
    w.p = {name: array.astype(dtype) for name, array in given.p.items()}
    layer.forward(w)
    assert w.y.dtype == dtype
    w.dy[...] = given.dy
    layer.backward(w)
    return w
