"""Every optimizer against PyTorch's, or against its paper in plain NumPy, over 50 steps; and what holds for all.

An optimizer without a witness (witnesses/optimizers.py) fails (test_every_optimizer_has_a_witness).
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from witnesses.optimizers import DECOUPLES, PAPERS, TORCH

from bpcore.arena import Layout, Owner
from bpcore.optimization.regularization import Regularization
from bpcore.optimization.update import BLOCK, Pace, Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.optimizers.lamb import Lamb
from bpcore.optimizers.lars import Lars
from bpcore.optimizers.nadam import NAdam
from bpcore.optimizers.rmsprop import RMSProp
from bpcore.spec import Spec

STEPS = 50
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in OPTIMIZERS.types.items() for i, case in enumerate(kind.cases())]
ALL = pytest.mark.parametrize("optimizer", CASES)


def examples(count):
    return settings(derandomize=True, max_examples=count, deadline=None)


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")
    dtype, threads = module.get_default_dtype(), module.get_num_threads()
    module.set_default_dtype(module.float64)  # NAdam keeps a product in the default type
    module.set_num_threads(1)
    yield module
    module.set_default_dtype(dtype)
    module.set_num_threads(threads)


# What is drawn for each attribute, whatever the optimizer.
NUMBERS = {
    "learning_rate": st.floats(1e-4, 0.5), "momentum": st.sampled_from([0.0, 0.5, 0.9, 0.99]), "nesterov": st.booleans(),
    "beta1": st.floats(0, 0.99), "beta2": st.floats(0.3, 0.9999), "epsilon": st.sampled_from([1e-10, 1e-8, 1e-6, 1e-3]),
    "alpha": st.floats(0.5, 0.999), "centered": st.booleans(), "rho": st.floats(0.5, 0.99), "initial_accumulator": st.floats(0, 1),
    "momentum_decay": st.floats(0, 0.1), "weight_decay": st.floats(0, 0.3), "trust_coefficient": st.floats(1e-3, 0.1),
}


def instances(name):
    kind = OPTIMIZERS.types[name]
    return st.builds(kind, **{field: NUMBERS[field] for field in kind.__dataclass_fields__})


class ByTorch:
    """Parameters that PyTorch trains. `groups`: (arrays, weight decay) each."""

    def __init__(self, torch, name, o, groups, decoupled=False):
        kind, arguments = TORCH[name]
        self._torch, tensors = torch, [([torch.tensor(array) for array in arrays], decay) for arrays, decay in groups]
        self._tensors = [tensor for group, _ in tensors for tensor in group]
        extra = {"decoupled_weight_decay": True} if decoupled else {}
        self._optimizer = getattr(torch.optim, kind)([{"params": group} | ({"weight_decay": decay} if decay is not None else {})
                                                      for group, decay in tensors], lr=o.learning_rate, **arguments(o), **extra)

    def step(self, gradients):
        for tensor, gradient in zip(self._tensors, gradients, strict=True):
            tensor.grad = self._torch.tensor(gradient)
        self._optimizer.step()

    @property
    def arrays(self):
        return [tensor.numpy() for tensor in self._tensors]


def advance(o, step, gradient, p, state):
    """(new p, new state) by `direction` alone."""
    d, new = o.direction(gradient, p, tuple(state[name] for name in o.state), o.constants(step))
    return p - o.learning_rate * (d + o.decay * p), dict(zip(o.state, new))


def start(o, p):
    return p, {name: np.zeros_like(p) for name in o.state}


def test_every_optimizer_has_a_witness():
    assert set(TORCH) | set(PAPERS) == set(OPTIMIZERS.types) and not set(TORCH) & set(PAPERS)


@DTYPES
@pytest.mark.parametrize("name", TORCH)
def test_fifty_steps_are_pytorchs(torch, agree, name, dtype):
    @examples(6)
    @given(instances(name), st.integers(16, 60), st.integers(0, 2**31))
    def check(o, size, seed):
        random = np.random.default_rng(seed)
        p, state = start(o, random.standard_normal(size).astype(dtype))
        theirs = ByTorch(torch, name, o, [([p], None)])
        for step in range(1, STEPS + 1):
            gradient = random.standard_normal(size).astype(dtype)
            p, state = advance(o, step, gradient, p, state)
            theirs.step([gradient])
            agree(o, p, theirs.arrays[0], floor=0)
        assert p.dtype == dtype

    check()


LAYOUT = Layout([Owner("first", {"weight": (150, 240), "bias": (7,)}), Owner("second", {"weight": (3, 5)})])
SMALL = Layout([Owner("first", {"weight": (10, 3), "bias": (7,)})])
MATRICES = Layout([Owner("first", {"weight": (10, 3), "second": (1, 7)})])
assert 150 * 240 > BLOCK


class Trained:
    """Parameters that the Updater trains, from gradient sums over `count` elements."""

    def __init__(self, o, dtype, seed, layout=LAYOUT, count=1, **settings):
        self._updater, self._layout = Updater(Spec(None, (), o, **settings), layout), layout
        self._random, self._dtype, self._count, self._steps = np.random.default_rng(seed), dtype, count, 0
        self.p, self._gradient = layout.zeros(dtype), layout.zeros(dtype)
        self.state = {name: np.zeros(layout.size, dtype) for name in self._updater.state}
        self._draw(self.p)

    def _draw(self, vector):
        for view in vector.named().values():
            view[...] = self._random.standard_normal(view.shape)

    @property
    def arrays(self):
        return [view.copy() for view in self.p.named().values()]

    def step(self):
        """By a random gradient, whose arrays it returns."""
        self._draw(self._gradient)
        gradients = [view.copy() for view in self._gradient.named().values()]
        self.apply(self._count * self._gradient.flat)
        return gradients

    def apply(self, gradient_sum):
        self._steps += 1
        new_p, new_state = self._layout.zeros(self._dtype), {name: np.full_like(array, np.nan) for name, array in self.state.items()}
        self._updater.update(Pace(self._steps, self._count, self._count), gradient_sum, self.p.flat, self.state, new_p.flat, new_state)
        self.p, self.state = new_p, new_state


@DTYPES
@pytest.mark.parametrize(("name", "decoupled"), [*((name, False) for name in TORCH), *((name, True) for name in DECOUPLES)])
def test_the_updater_decays_weights_as_pytorch_does(torch, agree, name, decoupled, dtype):
    """l2 is PyTorch's weight_decay, weight_decay its decoupled form; biases are left out, by a group there."""
    always = decoupled or name == "adamw"

    @examples(2)
    @given(instances(name), st.floats(0, 0.2), st.integers(0, 2**31))
    def check(o, extra, seed):
        rule = {"weight_decay" if always else "l2": extra, "exclude": ("*.bias",)}
        ours = Trained(o, dtype, seed, count=4, regularization=Regularization(**rule))
        weight, bias, second = ours.arrays
        theirs = ByTorch(torch, name, o, [([weight, second], o.decay + extra), ([bias], 0.0)], decoupled)
        for _ in range(STEPS):
            of_weight, of_bias, of_second = ours.step()
            theirs.step([of_weight, of_second, of_bias])
        weight, bias, second = ours.arrays
        for array, wanted in zip([weight, second, bias], theirs.arrays, strict=True):
            agree(o, array, wanted, floor=0)

    check()


@DTYPES
@pytest.mark.parametrize("name", PAPERS)
def test_fifty_steps_are_the_papers(agree, name, dtype):
    @examples(4)
    @given(instances(name), st.floats(0, 0.2), st.integers(0, 2**31))
    def check(o, l2, seed):
        ours = Trained(o, dtype, seed, regularization=Regularization(l2=l2))
        xs = [array.astype(np.float64) for array in ours.arrays]
        references = [PAPERS[name](o) for _ in xs]
        for t in range(1, STEPS + 1):
            gradients = ours.step()
            xs = [one.step(t, x, g + l2 * x) for one, x, g in zip(references, xs, gradients)]
        for array, wanted, one in zip(ours.arrays, xs, references, strict=True):
            sure = ~np.broadcast_to(getattr(one, "unsure", False) if dtype == np.float32 else False, array.shape)
            assert sure.mean() > 0.99
            agree(o, array[sure], wanted[sure], "formula", floor=0)

    check()


@pytest.mark.parametrize("o", [Lars(), Lamb()], ids=["lars", "lamb"])
def test_a_parameter_of_zeros_moves_by_the_plain_direction(o):
    assert o.trust(0.0, 3.0) == o.trust(2.0, 0.0) == 1.0


def test_a_parameter_whose_gradient_has_died_comes_to_rest():
    """Its velocity halves in every step; scaled up to the parameter's norm for ever, it would overflow."""
    ours = Trained(Lars(momentum=0.5), np.float32, 1, SMALL)
    ours.step()
    positions = []
    for _ in range(200):
        ours.apply(np.zeros(SMALL.size, np.float32))
        positions.append(ours.p.flat.copy())
    assert np.array_equal(positions[100], positions[-1]) and np.isfinite(positions[-1]).all()


def test_nadam_knows_its_momenta_product_at_any_step():
    """Late in a long training the product is 0; asked directly, as after a resume, it costs little."""
    d, _ = NAdam().direction(np.ones(1), np.ones(1), (np.ones(1), np.ones(1)), NAdam().constants(10**7))
    assert d.item() == pytest.approx(1 - 0.9 + 0.9, rel=1e-6)


def gradients_of(count, size, dtype=np.float32, seed=6):
    return np.random.default_rng(seed).standard_normal((count, size)).astype(dtype)


def run(o, gradients, part=slice(None)):
    p, state = start(o, np.linspace(-1, 1, gradients.shape[1], dtype=gradients.dtype))
    p, state = p[part], {name: array[part] for name, array in state.items()}
    for step, gradient in enumerate(gradients, start=1):
        p, state = advance(o, step, gradient[part], p, state)
    return [p, *state.values()]


@ALL
def test_slices_updated_apart_give_the_bits_of_the_whole(optimizer):
    gradients = gradients_of(5, 1000)
    whole = run(optimizer, gradients)
    for cuts in ([0, 1, 500, 1000], [0, 16, 17, 333, 1000]):
        parts = [run(optimizer, gradients, slice(a, b)) for a, b in zip(cuts, cuts[1:])]
        for i, array in enumerate(whole):
            assert np.concatenate([part[i] for part in parts]).tobytes() == array.tobytes()


@ALL
def test_old_arrays_are_only_read_and_every_new_number_is_written(optimizer):
    gradient, (p, *kept) = gradients_of(1, 300)[0], run(optimizer, gradients_of(3, 300))
    for array in [gradient, p, *kept]:
        array.flags.writeable = False
    new_p, new_state = advance(optimizer, 4, gradient, p, dict(zip(optimizer.state, kept, strict=True)))
    assert all(np.isfinite(array).all() for array in [new_p, *new_state.values()])


@ALL
def test_float32_is_close_to_float64(optimizer):
    single, double = run(optimizer, gradients_of(5, 1000)), run(optimizer, gradients_of(5, 1000).astype(np.float64))
    assert all(array.dtype == np.float32 for array in single)
    np.testing.assert_allclose(single[0], double[0], rtol=1e-4, atol=1e-5)


@ALL
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-45])
def test_no_gradient_and_the_smallest_ones_give_numbers(optimizer, scale):
    p, state = start(optimizer, np.array([-1, 0, 1e-30, 1], np.float32))
    gradient = np.full(4, scale, np.float32)
    for step in range(1, 20):
        p, state = advance(optimizer, step, gradient, p, state)
        assert all(np.isfinite(array).all() for array in [p, *state.values()])


@ALL
def test_zeros_without_a_gradient_stay_zero(optimizer):
    """The gaps of the arena."""
    p, state = start(optimizer, np.zeros(16, np.float32))
    for step in (1, 2, 3):
        p, state = advance(optimizer, step, np.zeros(16, np.float32), p, state)
        assert not any(array.any() for array in [p, *state.values()])


@pytest.mark.parametrize("alpha", [0.0, 0.9, 0.99])
def test_a_gradient_without_variance_gives_numbers(alpha):
    """Centered RMSProp takes the root of a difference that rounding may put below zero."""
    o = RMSProp(alpha=alpha, centered=True)
    p, state = start(o, np.ones(1000, np.float32))
    for step in range(1, 500):
        p, state = advance(o, step, gradients_of(1, 1000)[0], p, state)
    assert np.isfinite(p).all()


@ALL
def test_a_quadratic_is_minimised(optimizer):
    """f(p) = ½ Σ a p² with a from 0.5 to 2; its gradient is a p. A fixed learning rate need not end at 0. One that
    suits a trust ratio may be far too large for a bias, which has none."""
    ours = Trained(optimizer, np.float64, 3, MATRICES if optimizer.uses_trust else SMALL)
    curvature = np.linspace(0.5, 2, SMALL.size)
    np.clip(ours.p.flat, -1, 1, out=ours.p.flat)
    before = curvature @ ours.p.flat**2
    for _ in range(500):
        ours.apply(curvature * ours.p.flat)
    assert math.sqrt(curvature @ ours.p.flat**2 / before) < 0.03
