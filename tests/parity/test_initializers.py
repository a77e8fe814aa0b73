"""Every initializer against PyTorch's on large arrays, and against its formula; matrices number by number.

An initializer without a counterpart here fails (test_every_initializer_has_a_counterpart). Arrays are
channels-last here, (…, in, units), and (units, in, …) in PyTorch; the distribution does not know.
"""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy._core import _multiarray_umath as multiarray

from bpcore import rng
from bpcore.errors import InvalidInput
from bpcore.initializers import INITIALIZERS, orthogonal
from bpcore.initializers.identity import Identity
from bpcore.initializers.orthogonal import Orthogonal
from bpcore.initializers.truncated_normal import TruncatedNormal

CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in INITIALIZERS.types.items() for i, case in enumerate(kind.cases())]
ALL = pytest.mark.parametrize("initializer", CASES)

KERNEL, FAN_IN, FAN_OUT = (3, 5, 40, 300), 3 * 5 * 40, 3 * 5 * 300
SIZE = math.prod(KERNEL)
SHAPES = [(6,), (1,), (5, 5), (7, 3), (3, 7), (1, 4), (4, 2, 3), (2, 3, 8), (3, 3, 2, 4), (1, 1, 5, 5), (2, 4, 3, 3)]


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")
    threads = module.get_num_threads()
    module.set_num_threads(1)
    yield module
    module.set_num_threads(threads)


def fill(initializer, shape=KERNEL, dtype=np.float64, seed=1, place=0, fans=(FAN_IN, FAN_OUT)):
    out = np.full(shape, np.nan, dtype)
    initializer.fill(out, *fans, rng.stream(seed, rng.INITIALIZER, place))
    return out


def name_of(initializer):
    return type(initializer).__module__.rpartition(".")[2]


# name → fills a tensor (units, in, height, width) with an instance's counterpart
TORCH = {
    "zeros": lambda init, t, o: init.zeros_(t),
    "constant": lambda init, t, o: init.constant_(t, o.value),
    "normal": lambda init, t, o: init.normal_(t, o.mean, o.std),
    "truncated_normal": lambda init, t, o: init.trunc_normal_(t, o.mean, o.std, o.mean - o.bound * o.std, o.mean + o.bound * o.std),
    "uniform": lambda init, t, o: init.uniform_(t, o.low, o.high),
    "he_normal": lambda init, t, o: init.kaiming_normal_(t, nonlinearity="relu"),
    "he_uniform": lambda init, t, o: init.kaiming_uniform_(t, nonlinearity="relu"),
    "xavier_normal": lambda init, t, o: init.xavier_normal_(t),
    "xavier_uniform": lambda init, t, o: init.xavier_uniform_(t),
    "lecun_normal": lambda init, t, o: init.kaiming_normal_(t, nonlinearity="linear"),
    "lecun_uniform": lambda init, t, o: init.kaiming_uniform_(t, nonlinearity="linear"),
    "orthogonal": lambda init, t, o: init.orthogonal_(t, o.gain),
    "identity": lambda init, t, o: init.dirac_(t).mul_(o.gain),
}


def truncated(o):
    """(variance, bound): Johnson, Kotz & Balakrishnan, "Continuous univariate distributions", chapter 13, section 10."""
    density, inside = math.exp(-o.bound**2 / 2) / math.sqrt(2 * math.pi), math.erf(o.bound / math.sqrt(2))
    return o.std**2 * (1 - 2 * o.bound * density / inside), o.bound * o.std


def evenly(bound):
    return bound**2 / 3, bound


# name → (variance, bound around the mean) of an instance, from the formula in its docstring
FORMULAS = {
    "normal": lambda o: (o.std**2, math.inf),
    "truncated_normal": truncated,
    "uniform": lambda o: evenly((o.high - o.low) / 2),
    "he_normal": lambda o: (2 / FAN_IN, math.inf),
    "he_uniform": lambda o: evenly(math.sqrt(6 / FAN_IN)),
    "xavier_normal": lambda o: (2 / (FAN_IN + FAN_OUT), math.inf),
    "xavier_uniform": lambda o: evenly(math.sqrt(6 / (FAN_IN + FAN_OUT))),
    "lecun_normal": lambda o: (1 / FAN_IN, math.inf),
    "lecun_uniform": lambda o: evenly(math.sqrt(3 / FAN_IN)),
}
MEANS = {"normal": lambda o: o.mean, "truncated_normal": lambda o: o.mean, "uniform": lambda o: (o.low + o.high) / 2}
RANDOM = [case for case in CASES if name_of(case.values[0]) in FORMULAS]
DRAWN = pytest.mark.parametrize("initializer", RANDOM)


def test_every_initializer_has_a_counterpart():
    assert set(TORCH) == set(INITIALIZERS.types)
    assert set(INITIALIZERS.types) - set(FORMULAS) == {"zeros", "constant", "orthogonal", "identity"}


def by_torch(torch, initializer, shape=KERNEL, seed=2):
    """PyTorch's array, with its axes in our order."""
    torch.manual_seed(seed)
    tensor = torch.empty((shape[-1], shape[-2], *shape[:-2]), dtype=torch.float64)
    TORCH[name_of(initializer)](torch.nn.init, tensor, initializer)
    return np.moveaxis(tensor.numpy(), (1, 0), (-2, -1))


def distance(a, b):
    """Kolmogorov and Smirnov's: the largest difference of the two samples' distribution functions."""
    a, b = np.sort(a, axis=None), np.sort(b, axis=None)
    both = np.concatenate([a, b])
    return np.abs(np.searchsorted(a, both, "right") / a.size - np.searchsorted(b, both, "right") / b.size).max()


@DRAWN
def test_the_distribution_is_pytorchs(torch, note, initializer):
    note(initializer, "distribution", distance(fill(initializer), by_torch(torch, initializer)))


@DRAWN
def test_mean_and_variance_are_the_formulas(initializer):
    """Within five standard errors; a variance's is at most √(2 / n) of it, that of a normal distribution."""
    values, (variance, _) = fill(initializer), FORMULAS[name_of(initializer)](initializer)
    mean = MEANS.get(name_of(initializer), lambda o: 0.0)(initializer)
    assert values.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / SIZE))
    assert values.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / SIZE))


@DRAWN
def test_values_stay_within_their_bound_and_come_near_it(initializer):
    _, bound = FORMULAS[name_of(initializer)](initializer)
    mean = MEANS.get(name_of(initializer), lambda o: 0.0)(initializer)
    largest = np.abs(fill(initializer) - mean).max()
    assert largest <= bound * (1 + 1e-12)
    assert largest > 0.99 * bound if bound < math.inf else True


@pytest.mark.parametrize("name", ["zeros", "constant"])
@pytest.mark.parametrize("shape", [(1, 1, 4, 3), (3, 2, 4, 5)])
def test_what_is_not_drawn_is_pytorchs_number_by_number(torch, agree, name, shape):
    for initializer in INITIALIZERS.types[name].cases():
        wanted = by_torch(torch, initializer, shape)
        assert np.array_equal(fill(initializer, shape), wanted)
        for dtype in (np.float64, np.float32):
            agree(initializer, fill(initializer, shape, dtype), wanted)


@pytest.mark.parametrize("gain", [1.0, 0.5])
@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (3, 4, 4), (5, 2, 6), (3, 3, 4, 4), (1, 5, 6, 2), (1, 1, 1, 1)])
def test_identity_is_pytorchs_eye_and_dirac(torch, agree, gain, shape):
    if len(shape) == 2:
        wanted = gain * torch.nn.init.eye_(torch.empty(shape, dtype=torch.float64)).numpy()
    else:
        wanted = by_torch(torch, Identity(gain), shape)
    assert np.array_equal(fill(Identity(gain), shape), wanted)
    for dtype in (np.float64, np.float32):
        agree(Identity, fill(Identity(gain), shape, dtype), wanted)


def test_a_convolution_of_even_size_that_starts_as_identity_hands_on_its_input():
    """With padding same the output at i reads i − (size − 1) // 2 and on; dirac_ would hand on a neighbour."""
    kernel, x = fill(Identity(), (4, 3, 3)), np.arange(15.0).reshape(5, 3)
    padded = np.pad(x, ((1, 2), (0, 0)))
    assert np.array_equal(sum(padded[i:i + 5] @ kernel[i] for i in range(4)), x)


def test_identity_of_one_axis_is_a_scale_of_one():
    assert np.array_equal(fill(Identity(), (4,)), np.ones(4))


def matrix(array):
    return array.reshape(-1, array.shape[-1])


@pytest.mark.parametrize("gain", [1.0, 2**0.5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [*SHAPES, (200, 100), (100, 200)])
def test_orthogonal_columns_or_rows_are_orthonormal(shape, dtype, gain):
    w = matrix(fill(Orthogonal(gain), shape, dtype).astype(np.float64))
    gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(gram, gain**2 * np.eye(len(gram)), atol=1e-13 if dtype == np.float64 else 1e-6)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (3, 3, 2, 4)])
def test_pytorchs_orthogonal_has_the_same_gram_matrix(torch, agree, shape):
    """There the units are the rows; ours as PyTorch lays it out has the same WWᵀ, or WᵀW."""
    theirs = matrix(by_torch(torch, Orthogonal(3.0), shape))
    wide = theirs.shape[0] < theirs.shape[1]
    for dtype in (np.float64, np.float32):
        ours = matrix(fill(Orthogonal(3.0), shape, dtype))
        agree(Orthogonal, *(a @ a.T if wide else a.T @ a for a in (ours, theirs)))


def test_orthogonal_matrices_are_drawn_evenly(torch):
    """For an even draw of 4 × 4, E q² = 1 / 4 and E q⁴ = 3 / (4 · 6), and q ~ −q; without Mezzadri's signs not."""
    count = 500
    ours = np.array([fill(Orthogonal(), (4, 4), place=i) for i in range(count)])
    theirs = np.array([by_torch(torch, Orthogonal(), (4, 4), seed=i).reshape(4, 4) for i in range(count)])
    assert np.abs(ours.mean(axis=0)).max() < 5 * math.sqrt(0.25 / count)
    assert np.abs((ours**4).mean(axis=0) - 0.125).max() < 5 * math.sqrt(0.04 / count)
    assert 0.45 < (np.linalg.det(ours) > 0).mean() < 0.55
    assert max(distance(ours[:, i, j], theirs[:, i, j]) for i in range(4) for j in range(4)) < 2.5 * math.sqrt(2 / count)


PRINT_DIGEST = """
import hashlib, numpy as np
from bpcore import rng
from bpcore.initializers.orthogonal import Orthogonal
out = np.empty((300, 200))
Orthogonal().fill(out, 1, 1, rng.stream(1, rng.INITIALIZER, 0))
print(hashlib.sha256(out).hexdigest())
"""


def test_an_orthogonal_matrix_has_the_same_bits_on_every_processor():
    """The plainest one that NumPy and OpenBLAS know, which they are told that this one is, against this one as it is."""
    features = " ".join(name for name in multiarray.__cpu_dispatch__ if multiarray.__cpu_features__[name])
    plain = {"NPY_DISABLE_CPU_FEATURES": features, "OPENBLAS_CORETYPE": "Prescott"}
    ran = [subprocess.run([sys.executable, "-c", PRINT_DIGEST], env={**os.environ, **extra}, capture_output=True, text=True, timeout=60)
           for extra in ({}, plain)]
    assert ran[0].stdout and ran[1].stdout == ran[0].stdout, ran[1].stderr


def test_the_panels_of_an_orthogonal_matrix_change_no_bit(monkeypatch):
    whole = fill(Orthogonal(), (70, 50)).tobytes()
    for columns in (1, 7, 100):
        monkeypatch.setattr(orthogonal, "AT_ONCE", columns)
        assert fill(Orthogonal(), (70, 50)).tobytes() == whole


@ALL
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_number_is_written_whatever_the_shape(initializer, shape, dtype):
    out = fill(initializer, shape, dtype, fans=(1, 1))
    assert out.dtype == dtype and out.shape == shape and np.isfinite(out).all()


@ALL
def test_a_stream_decides_every_bit(initializer):
    same = fill(initializer, (8, 3)), fill(initializer, (8, 3))
    others = fill(initializer, (8, 3), seed=2), fill(initializer, (8, 3), place=1)
    drawn = name_of(initializer) not in ("zeros", "constant", "identity")
    assert same[0].tobytes() == same[1].tobytes()
    assert all(np.array_equal(same[0], other) != drawn for other in others)


@ALL
def test_float32_is_float64_rounded(initializer):
    shape = (3, 3, 8, 16)
    assert np.array_equal(fill(initializer, shape, np.float32), fill(initializer, shape).astype(np.float32))


@DRAWN
def test_the_shape_does_not_change_the_values(initializer):
    assert np.array_equal(fill(initializer, (4, 5, 6)).ravel(), fill(initializer, (120,)))


def test_a_deviation_of_zero_is_the_mean():
    assert np.array_equal(fill(TruncatedNormal(mean=3.0, std=0.0), (50,)), np.full(50, 3.0))


@pytest.mark.parametrize(("component", "problem"), [
    ("constant", "constant.value: expected a number, but it is missing"),
    ({"normal": {"std": -1}}, "normal.std: expected a number ≥ 0, got -1"),
    ({"truncated_normal": {"bound": 0.1}}, "truncated_normal.bound: expected a number ≥ 0.5, got 0.1"),
], ids=str)
def test_an_attribute_that_does_not_fit_is_refused(component, problem):
    with pytest.raises(InvalidInput) as caught:
        INITIALIZERS.build(component)
    assert str(caught.value) == problem
