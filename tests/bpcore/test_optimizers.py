"""What holds for every optimizer; two against their formula in plain Python, the others in tests/parity.

What the update adds (penalties, clipping, groups) is in test_update.py.
"""

import dataclasses
import math

import numpy as np
import pytest

from bpcore.errors import InvalidInput
from bpcore.optimizers import OPTIMIZERS
from bpcore.optimizers.adam import Adam
from bpcore.optimizers.sgd import Sgd

SIZE, STEPS = 1000, 5
GRADIENTS = np.random.default_rng(6).standard_normal((STEPS, SIZE))


def sgd(o, gradients, p):
    """Number by number, as in the docstring of sgd.py."""
    v = 0.0
    for g in gradients:
        v = o.momentum * v + g
        p -= o.learning_rate * (g + o.momentum * v if o.nesterov else v)
    return p


def adam(o, gradients, p):
    """Kingma & Ba 2015, algorithm 1, line by line."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m, v = o.beta1 * m + (1 - o.beta1) * g, o.beta2 * v + (1 - o.beta2) * g * g
        m_hat, v_hat = m / (1 - o.beta1**t), v / (1 - o.beta2**t)
        p -= o.learning_rate * m_hat / (math.sqrt(v_hat) + o.epsilon)
    return p


REFERENCES = {"sgd": sgd, "adam": adam}


def start(optimizer, size=SIZE, dtype=np.float32):
    return np.linspace(-1, 1, size, dtype=dtype), {name: np.zeros(size, dtype) for name in optimizer.state}


def direction(optimizer, step, gradient, p, state):
    """(d, new state by name), by arrays."""
    d, new = optimizer.direction(gradient, p, tuple(state[name] for name in optimizer.state), optimizer.constants(step))
    return d, dict(zip(optimizer.state, new, strict=True))


def advance(optimizer, step, gradient, p, state, factor=1.0):
    """(new p, new state): p − η trust · (d + decay · p), for one parameter."""
    d, new_state = direction(optimizer, step, gradient, p, state)
    d = d + optimizer.decay * p
    trust = optimizer.trust(math.sqrt(p @ p), math.sqrt(d @ d)) if optimizer.uses_trust else 1.0
    return p - factor * optimizer.learning_rate * trust * d, new_state


def direct(optimizer, part=slice(None), dtype=np.float32):
    """(directions of every step, the last state) for a slice, at parameters that stay as they are."""
    p, state = start(optimizer, dtype=dtype)
    p, state, directions = p[part], {name: array[part] for name, array in state.items()}, []
    for step, gradient in enumerate(GRADIENTS.astype(dtype), start=1):
        d, state = direction(optimizer, step, gradient[part], p, state)
        directions.append(d)
    return np.array(directions), state


def train(optimizer, gradients=GRADIENTS, dtype=np.float32):
    p, state = start(optimizer, gradients.shape[1], dtype)
    for step, gradient in enumerate(gradients.astype(dtype), start=1):
        p, state = advance(optimizer, step, gradient, p, state)
    return p, state


@pytest.mark.parametrize(("name", "optimizer"), [(name, optimizer) for name in REFERENCES for optimizer in OPTIMIZERS.types[name].cases()])
def test_the_update_is_the_formula(name, optimizer):
    p, _ = train(optimizer, GRADIENTS[:, :50], np.float64)
    starts = start(optimizer, 50, np.float64)[0]
    expected = [REFERENCES[name](optimizer, GRADIENTS[:, i].tolist(), x) for i, x in enumerate(starts.tolist())]
    np.testing.assert_allclose(p, expected, rtol=1e-12, atol=1e-14)


def test_slices_computed_apart_give_the_bits_of_the_whole(optimizer_case):
    whole, whole_state = direct(optimizer_case)
    for cuts in ([0, 1, 500, SIZE], [0, 16, 17, 333, SIZE]):
        parts = [direct(optimizer_case, slice(a, b)) for a, b in zip(cuts, cuts[1:])]
        assert np.concatenate([d for d, _ in parts], axis=1).tobytes() == whole.tobytes()
        for name in whole_state:
            assert np.concatenate([state[name] for _, state in parts]).tobytes() == whole_state[name].tobytes()


def test_old_arrays_are_only_read(optimizer_case):
    p, state = train(optimizer_case)
    gradient = GRADIENTS[0].astype(np.float32)
    for array in [gradient, p, *state.values()]:
        array.flags.writeable = False
    advance(optimizer_case, STEPS + 1, gradient, p, state)


def test_numbers_stay_of_their_kind(optimizer_case):
    """A NumPy number among the constants would make float64 of float32, in arrays as in the compiled loop."""
    p, state = train(optimizer_case)
    assert {array.dtype for array in [p, *state.values()]} == {np.dtype(np.float32)}
    assert {type(number) for step in (1, 7) for number in optimizer_case.constants(step)} <= {float}


def test_float32_is_close_to_float64(optimizer_case):
    np.testing.assert_allclose(train(optimizer_case)[0], train(optimizer_case, dtype=np.float64)[0], rtol=1e-4, atol=1e-5)


def test_zeros_without_a_gradient_stay_zero(optimizer_case):
    """The gaps of the arena; state is finite there, or a checkpoint would not be."""
    zeros = np.zeros(16, np.float32)
    p, state = zeros, {name: zeros for name in optimizer_case.state}
    for step in (1, 2, 3):
        p, state = advance(optimizer_case, step, zeros, p, state)
        assert not p.any() and all(np.isfinite(array).all() for array in state.values())


def test_the_direction_does_not_know_the_learning_rate(optimizer_case):
    """The update multiplies by it, so that schedules and groups act on every optimizer alike."""
    faster = dataclasses.replace(optimizer_case, learning_rate=7 * optimizer_case.learning_rate)
    assert direct(optimizer_case)[0].tobytes() == direct(faster)[0].tobytes()


def test_trust_is_finite_whatever_the_norms(optimizer_case):
    for norms in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1e-30, 1e30), (1e30, 1e-30)]:
        assert 0 <= optimizer_case.trust(*norms) < math.inf, norms


def test_every_attribute_is_tried_at_another_value_than_its_default(optimizer_name):
    kind = OPTIMIZERS.types[optimizer_name]
    fixed = [field.name for field in dataclasses.fields(kind)
             if all(getattr(optimizer, field.name) == field.default for optimizer in kind.cases())]
    assert fixed == []


def test_a_quadratic_is_minimised(optimizer_case):
    """f(p) = ½ Σ a p² with a from 0.5 to 2; its gradient is a p. The learning rate falls to 0, since a fixed one need
    not end at the minimum."""
    p, state = start(optimizer_case, 50, np.float64)
    curvature = np.linspace(0.5, 2, 50)
    before = curvature @ p**2
    for step in range(1, 2001):
        p, state = advance(optimizer_case, step, curvature * p, p, state, factor=1 - step / 2001)
    assert curvature @ p**2 < 1e-3 * before


def test_the_first_two_steps_of_adam_are_those_by_hand():
    """With g = 1, then 2: m̂ is 1, then (0.9·0.1 + 0.1·2) / 0.19; v̂ is 1, then (0.999·0.001 + 0.001·4) / 0.001999."""
    optimizer, state = Adam(learning_rate=0.1), {"m": np.zeros(1), "v": np.zeros(1)}
    p, state = advance(optimizer, 1, np.array([1.0]), np.array([5.0]), state)
    assert p.item() == pytest.approx(4.9, abs=1e-8)
    p, state = advance(optimizer, 2, np.array([2.0]), p, state)
    assert p.item() == pytest.approx(4.9 - 0.1 * 1.5263158 / math.sqrt(2.5007504), abs=1e-8)


@pytest.mark.parametrize(("attributes", "second"), [
    # p = 1, g = 1 twice, η = 0.1, μ = 0.5: v is 1, then 1.5
    ({}, 0.8), ({"momentum": 0.5}, 1 - 0.1 - 0.15), ({"momentum": 0.5, "nesterov": True}, 1 - 0.15 - 0.175),
], ids=str)
def test_two_steps_of_sgd_are_those_by_hand(attributes, second):
    optimizer = Sgd(learning_rate=0.1, **attributes)
    p, state = np.ones(1), {name: np.zeros(1) for name in optimizer.state}
    for step in (1, 2):
        p, state = advance(optimizer, step, np.ones(1), p, state)
    assert p.item() == pytest.approx(second, rel=1e-12)


@pytest.mark.parametrize(("component", "problem"), [
    ({"sgd": {"momentum": 1}}, "sgd.momentum: expected a number ≥ 0 and < 1, got 1"),
    ({"adam": {"epsilon": 0}}, "adam.epsilon: expected a number > 0, got 0"),
    ({"adam": {"learning_rate": "fast"}}, 'adam.learning_rate: expected a number ≥ 0, got "fast"'),
    ({"sgd": {"lr": 0.1}}, 'sgd.lr: unknown attribute "lr"; known: learning_rate, momentum, nesterov'),
    ({"sgd": {"nesterov": 1}}, "sgd.nesterov: expected true or false, got 1"),
], ids=str)
def test_an_attribute_that_does_not_fit_is_refused(component, problem):
    with pytest.raises(InvalidInput) as caught:
        OPTIMIZERS.build(component)
    assert str(caught.value) == problem
