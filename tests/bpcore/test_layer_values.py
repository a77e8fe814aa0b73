"""The output of the oldest layers against a naive reference: the formula of the docstring, with loops.

The others' references are in tests/parity; test_witnesses.py sees to it that each has one.
"""

import numpy as np
import pytest

from bpcore.gradcheck import workspace
from bpcore.layers import LAYERS, Case, Workspace
from bpcore.layers.conv2d import Conv2d
from bpcore.layers.max_pool2d import MaxPool2d
from bpcore.layers.relu import Relu
from bpcore.layers.sigmoid import Sigmoid
from bpcore.layers.tanh import Tanh


def linear(layer, w):
    y, weight = np.zeros(w.y.shape), w.p["weight"].T if layer.transposed else w.p["weight"]
    for place in np.ndindex(y.shape):
        y[place] = sum(w.x[(*place[:-1], i)] * weight[i, place[-1]] for i in range(w.x.shape[-1]))
    return y + (w.p["bias"] if layer.bias else 0)


def widened(x, y, kernel, stride, padding, dilation, fill):
    """x with its margin. Same padding by hand: what is missing to the last whole window, half before, the odd one behind."""
    margins = [(size, size) for size in padding] if isinstance(padding, tuple) else [(0, 0), (0, 0)]
    if padding == "same":
        missing = [max(0, (out - 1) * s + (k - 1) * d + 1 - size) for out, s, k, d, size
                   in zip(y.shape[1:3], stride, kernel, dilation, x.shape[1:3])]
        margins = [(size // 2, size - size // 2) for size in missing]
    return np.pad(x, [(0, 0), *margins, (0, 0)], constant_values=fill)


def conv2d(layer, w):
    y, (down, right), (high, wide) = np.zeros(w.y.shape), layer.stride, layer.dilation
    x = widened(w.x, y, layer.kernel, layer.stride, layer.padding, layer.dilation, 0)
    channels = x.shape[3] // layer.groups
    for n, i, j, f in np.ndindex(y.shape):
        first = f // (layer.filters // layer.groups) * channels  # of the filter's group
        y[n, i, j, f] = w.p["bias"][f] if layer.bias else 0
        for u, v, c in np.ndindex(*layer.kernel, channels):
            y[n, i, j, f] += x[n, i * down + u * high, j * right + v * wide, first + c] * w.p["weight"][u, v, c, f]
    return y


def max_pool2d(layer, w):
    y, (down, right) = np.zeros(w.y.shape), layer.stride or layer.size
    x = widened(w.x, y, layer.size, (down, right), layer.padding, (1, 1), -np.inf)
    for n, i, j, c in np.ndindex(y.shape):
        y[n, i, j, c] = max(x[n, i * down + u, j * right + v, c] for u, v in np.ndindex(*layer.size))
    return y


def dropout(layer, w):
    if not w.training:
        return w.x
    return np.where(w.rng().random(w.x.shape) >= layer.rate, w.x / (1 - layer.rate), 0)


REFERENCES = {
    "linear": linear, "conv2d": conv2d, "max_pool2d": max_pool2d, "dropout": dropout,
    "add": lambda layer, w: np.sum(w.inputs, axis=0),
    "flatten": lambda layer, w: np.stack([sample.ravel() for sample in w.x]),
    "relu": lambda layer, w: np.where(w.x > 0, w.x, 0),
    "sigmoid": lambda layer, w: 1 / (1 + np.exp(-w.x)),
    "tanh": lambda layer, w: (np.exp(w.x) - np.exp(-w.x)) / (np.exp(w.x) + np.exp(-w.x)),
}


def on(layer, x):
    """The workspace of a layer without parameters, on one given input, after forward; dy is one."""
    x = np.asarray(x, np.float64)[None]
    y = np.zeros((1, *layer.output_shape(x.shape[1:])))
    w = Workspace([x], y, np.ones_like(y), [np.full_like(x, np.nan)])
    layer.forward(w)
    return w


@pytest.mark.parametrize(("name", "case"), [(name, case) for name in REFERENCES for case in LAYERS.types[name].cases()])
def test_the_output_is_the_formula(name, case):
    w = workspace(case, np.random.default_rng(3))
    case.layer.forward(w)
    np.testing.assert_allclose(w.y, REFERENCES[name](case.layer, w), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (7, 5), (8, 8)], ids=str)
@pytest.mark.parametrize("stride", [(1, 1), (2, 3), (4, 2)], ids=str)
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 5)], ids=str)
def test_same_convolution_is_the_formula_at_every_size(kernel, stride, shape):
    layer = Conv2d(filters=2, kernel=kernel, stride=stride, padding="same")
    w = workspace(Case(layer, [(*shape, 2)]), np.random.default_rng(0))
    layer.forward(w)
    np.testing.assert_allclose(w.y, conv2d(layer, w), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer", [Relu(), MaxPool2d(size=(2, 2)), Sigmoid(), Tanh()], ids=lambda x: type(x).__name__)
def test_a_nan_goes_through_to_the_output(layer):
    """By hand: it is in the first window of the pool, and at its own place in the others."""
    w = on(layer, [[[1], [np.nan], [2], [3]], [[4], [5], [6], [7]]])
    assert np.isnan(w.y).sum() == 1
    assert np.isnan(w.y.flat[0 if isinstance(layer, MaxPool2d) else 1])


@pytest.mark.parametrize(("layer", "low", "high"), [(Sigmoid(), 0, 1), (Tanh(), -1, 1), (Relu(), 0, 1e6)], ids=str)
def test_a_large_input_saturates_without_overflow(layer, low, high):
    assert on(layer, [-1e6, 1e6]).y.tolist() == [[low, high]]


def test_the_gradient_of_relu_at_zero_is_zero():
    w = on(Relu(), [-1.0, 0.0, -0.0, 2.0])
    Relu().backward(w)
    assert w.dx.tolist() == [[0, 0, 0, 1]]


def test_a_pools_gradient_goes_to_the_first_of_equal_values():
    """By hand: four equal values in each window; overlapping windows meet in the middle column."""
    layer = MaxPool2d(size=(2, 2), stride=(1, 1))
    w = on(layer, np.zeros((2, 3, 1)))
    layer.backward(w)
    assert w.dx[0, :, :, 0].tolist() == [[1, 1, 0], [0, 0, 0]]


def test_a_pool_of_negative_numbers_is_negative():
    assert on(MaxPool2d(size=(1, 2)), [[[-3], [-2]]]).y.item() == -2
