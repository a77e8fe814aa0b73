"""Every activation against PyTorch: outputs and all gradients, over drawn shapes, options and magnitudes.

Errors are relative to the largest number of an array, or to the inputs' magnitude where that is larger.
"""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import rng
from bpcore.errors import InvalidInput, ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import LAYERS, Case
from bpcore.layers.elu import Elu
from bpcore.layers.gaussian_noise import GaussianNoise
from bpcore.layers.gelu import Gelu
from bpcore.layers.hard_sigmoid import HardSigmoid
from bpcore.layers.hardtanh import Hardtanh
from bpcore.layers.leaky_relu import LeakyRelu
from bpcore.layers.log_softmax import LogSoftmax
from bpcore.layers.prelu import Prelu
from bpcore.layers.selu import Selu
from bpcore.layers.silu import Silu
from bpcore.layers.softmax import Softmax
from bpcore.layers.softplus import Softplus

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)
KINKS = [0, -1, 1, -3, 3, -0.5, 2]  # where a slope jumps, by the options below


# name → its instances
ACTIVATIONS = {
    "leaky_relu": st.builds(LeakyRelu, st.floats(-1, 2)),
    "prelu": st.builds(Prelu, st.booleans()),
    "elu": st.builds(Elu, st.floats(0.1, 3)),
    "selu": st.just(Selu()),
    "gelu": st.sampled_from([Gelu("none"), Gelu("tanh")]),
    "silu": st.just(Silu()),
    "softplus": st.builds(Softplus, st.floats(0.1, 5)),
    "hardtanh": st.builds(Hardtanh, st.sampled_from([-3.0, -1.0, 0.0]), st.sampled_from([1.0, 2.0, 6.0])),
    "hard_sigmoid": st.just(HardSigmoid()),
    "softmax": st.just(Softmax()),
    "log_softmax": st.just(LogSoftmax()),
}


def around_kinks(scale):
    """Draws numbers of that size, one in five where a slope jumps."""

    def draw(random, shape):
        x = scale * random.standard_normal(shape)
        places = random.random(shape) < 0.2
        x[places] = random.choice(KINKS, places.sum())
        return x

    return draw


def run(layer, shape, batch, dtype, seed, scale=1.0):
    """The workspace after forward and backward."""
    random = np.random.default_rng(seed)
    w = workspace(Case(layer, (shape,), batch), random, dtype)
    w.x[...] = around_kinks(scale)(random, w.x.shape)
    w.dy[...] = random.standard_normal(w.y.shape)
    layer.forward(w)
    layer.backward(w)
    return w


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_pytorchs(agrees, name):
    @settings(derandomize=True, max_examples=30, deadline=None)
    @given(ACTIVATIONS[name], SHAPES, st.integers(1, 4), st.sampled_from([0.01, 1.0, 10.0, 1000.0]), st.integers(0, 2**31))
    def check(layer, shape, batch, scale, seed):
        agrees(layer, shape, batch=batch, seed=seed, values=around_kinks(scale), floor=min(scale, 1))

    check()


@DTYPES
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_largest_numbers_overflow_nowhere(name, dtype):
    """A warning fails the test (filterwarnings = error)."""
    layer = next(LAYERS.types[name].cases()).layer
    w = run(layer, (50,), 2, dtype, seed=0, scale=1e8)
    assert all(np.isfinite(array).all() for array in [w.y, w.dx, *w.g.values()])


@pytest.mark.parametrize("layer", [Softmax(), LogSoftmax()], ids=["softmax", "log_softmax"])
def test_probabilities_add_up_to_one(layer):
    w = run(layer, (4, 6), 3, np.float64, seed=0, scale=100)
    total = (w.y if isinstance(layer, Softmax) else np.exp(w.y)).sum(axis=-1)
    np.testing.assert_allclose(total, 1, rtol=1e-12)


def test_a_slope_for_all_is_the_sum_of_slopes_for_each():
    one, each = (run(Prelu(per_channel), (3, 4), 5, np.float64, seed=1) for per_channel in (False, True))
    each.p["slope"][...], each.x[...] = one.p["slope"], one.x
    for layer, w in ((Prelu(False), one), (Prelu(True), each)):
        w.dy[...] = np.linspace(-1, 1, w.dy.size).reshape(w.dy.shape)
        layer.forward(w), layer.backward(w)
    assert np.array_equal(one.y, each.y)
    assert one.g["slope"].item() == pytest.approx(each.g["slope"].sum())


def test_a_prelu_starts_at_a_quarter():
    """He et al. 2015, section 2.2; PyTorch's init = 0.25."""
    slope = Prelu(True).parameters((3, 4))["slope"]
    array = np.empty(slope.shape)
    slope.initializer.fill(array, 1, 1, np.random.default_rng(0))
    assert array.tolist() == [0.25] * 4


def test_relu6_is_a_hardtanh(torch):
    w = run(Hardtanh(0.0, 6.0), (40,), 2, np.float64, seed=3, scale=5)
    assert np.array_equal(w.y, torch.nn.functional.relu6(torch.tensor(w.x)).numpy())


# gaussian_noise draws, so PyTorch can only be a witness of what it does without drawing

def noisy(stddev=0.5, size=1000, key=(1, rng.LAYER, 0, 0, 0), training=True, dtype=np.float64):
    layer = GaussianNoise(stddev)
    w = workspace(Case(layer, [(size,)], batch=2, training=training), np.random.default_rng(0), dtype)
    w.rng = lambda: rng.stream(*key)
    layer.forward(w)
    return w


@DTYPES
def test_noise_has_the_mean_and_the_deviation_it_was_given(dtype):
    """Five standard errors: σ / √n of the mean, σ / √(2 n) of the deviation."""
    w = noisy(2.0, 50_000, dtype=dtype)
    noise, n = (w.y - w.x).astype(np.float64), w.y.size
    assert w.y.dtype == dtype
    assert abs(noise.mean()) < 5 * 2 / np.sqrt(n) and abs(noise.std() - 2) < 5 * 2 / np.sqrt(2 * n)


def test_noise_is_the_keyed_stream_times_the_deviation():
    w = noisy()
    np.testing.assert_allclose(w.y, w.x + 0.5 * rng.stream(1, rng.LAYER).standard_normal(w.x.shape), rtol=1e-15)


@pytest.mark.parametrize("key", [(2, 3, 0, 0, 0), (1, 3, 1, 0, 0), (1, 3, 0, 1, 0), (1, 3, 0, 0, 1)],
                         ids=["seed", "step", "shard", "layer"])
def test_another_key_gives_other_noise(key):
    assert not np.isclose(noisy(key=key).y, noisy().y).any()


@pytest.mark.parametrize("quiet", [{"training": False}, {"stddev": 0.0}], ids=["evaluation", "no deviation"])
def test_without_noise_it_is_the_identity_and_draws_nothing(quiet):
    w = noisy(**quiet, key=())  # a stream without a key would raise
    assert np.array_equal(w.y, w.x)


def test_the_gradient_passes_noise_unchanged():
    w = noisy()
    w.dy[...] = np.arange(1000)
    GaussianNoise(0.5).backward(w)
    assert np.array_equal(w.dx, w.dy)


@pytest.mark.parametrize(("component", "text"), [
    ({"hardtanh": {"minimum": 2, "maximum": 1}}, "hardtanh.maximum: expected a number > the minimum 2, got 1"),
    ({"softplus": {"beta": 0}}, "softplus.beta: expected a number > 0, got 0"),
    ({"elu": {"alpha": -1}}, "elu.alpha: expected a number ≥ 0, got -1"),
    ({"gelu": {"approximate": "erf"}}, 'gelu.approximate: expected one of none, tanh, got "erf"'),
    ({"gaussian_noise": {"stddev": -0.1}}, "gaussian_noise.stddev: expected a number ≥ 0, got -0.1"),
    ({"leaky_relu": {"slop": 0.1}}, 'leaky_relu.slop: unknown attribute "slop"; did you mean slope? known: slope'),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_an_attribute_that_does_not_fit_is_refused(component, text):
    with pytest.raises(InvalidInput, match=f"^{re.escape(text)}$"):
        LAYERS.build(component)


@pytest.mark.parametrize("layer", [Softmax(), LogSoftmax(), Prelu()], ids=lambda layer: type(layer).__name__)
def test_what_works_on_the_last_axis_needs_one(layer):
    with pytest.raises(ShapeError, match=r"expected \(…, (classes|channels)\), got \(\)"):
        layer.output_shape(())
