"""What holds for every optimizer, and each against its formula in plain Python.

An optimizer without a reference here fails (KeyError).
"""

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


def advance(optimizer, step, gradient, p, state):
    """(new p, new state), written over NaN."""
    new_p, new_state = np.full_like(p, np.nan), {name: np.full_like(p, np.nan) for name in state}
    optimizer.update(step, gradient, p, state, new_p, new_state)
    return new_p, new_state


def train(optimizer, gradients=GRADIENTS, dtype=np.float32):
    p, state = start(optimizer, gradients.shape[1], dtype)
    for step, gradient in enumerate(gradients.astype(dtype), start=1):
        p, state = advance(optimizer, step, gradient, p, state)
    return p, state


def test_the_update_is_the_formula(optimizer_case):
    reference = REFERENCES[type(optimizer_case).__module__.rpartition(".")[2]]
    p, _ = train(optimizer_case, GRADIENTS[:, :50], np.float64)
    starts = start(optimizer_case, 50, np.float64)[0]
    expected = [reference(optimizer_case, GRADIENTS[:, i].tolist(), x) for i, x in enumerate(starts.tolist())]
    np.testing.assert_allclose(p, expected, rtol=1e-12, atol=1e-14)


def test_every_optimizer_has_a_reference(optimizer_name):
    assert optimizer_name in REFERENCES


def test_slices_updated_apart_give_the_bits_of_the_whole(optimizer_case):
    whole, whole_state = train(optimizer_case)
    for cuts in ([0, 1, 500, SIZE], [0, 16, 17, 333, SIZE]):
        parts = [train_slice(optimizer_case, slice(a, b)) for a, b in zip(cuts, cuts[1:])]
        assert np.concatenate([p for p, _ in parts]).tobytes() == whole.tobytes()
        for name in whole_state:
            assert np.concatenate([state[name] for _, state in parts]).tobytes() == whole_state[name].tobytes()


def train_slice(optimizer, part):
    p, state = start(optimizer)
    p, state = p[part], {name: array[part] for name, array in state.items()}
    for step, gradient in enumerate(GRADIENTS.astype(np.float32), start=1):
        p, state = advance(optimizer, step, gradient[part], p, state)
    return p, state


def test_old_arrays_are_only_read(optimizer_case):
    p, state = train(optimizer_case)
    gradient = GRADIENTS[0].astype(np.float32)
    for array in [gradient, p, *state.values()]:
        array.flags.writeable = False
    advance(optimizer_case, STEPS + 1, gradient, p, state)


def test_every_number_of_the_new_arrays_is_written(optimizer_case):
    p, state = train(optimizer_case)
    assert all(np.isfinite(array).all() for array in [p, *state.values()])
    assert tuple(state) == optimizer_case.state


def test_float32_is_close_to_float64(optimizer_case):
    np.testing.assert_allclose(train(optimizer_case)[0], train(optimizer_case, dtype=np.float64)[0], rtol=1e-4, atol=1e-5)


def test_zeros_without_a_gradient_stay_zero(optimizer_case):
    """The gaps of the arena."""
    zeros = np.zeros(16, np.float32)
    p, state = advance(optimizer_case, 1, zeros, zeros, {name: zeros for name in optimizer_case.state})
    assert not any(array.any() for array in [p, *state.values()])


def test_a_quadratic_is_minimised(optimizer_case):
    """f(p) = ½ Σ a p² with a from 0.5 to 2; its gradient is a p. A fixed learning rate need not end at 0."""
    p, state = start(optimizer_case, 50, np.float64)
    curvature = np.linspace(0.5, 2, 50)
    before = curvature @ p**2
    for step in range(1, 501):
        p, state = advance(optimizer_case, step, curvature * p, p, state)
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
], ids=str)
def test_an_attribute_that_does_not_fit_is_refused(component, problem):
    with pytest.raises(InvalidInput) as caught:
        OPTIMIZERS.build(component)
    assert str(caught.value) == problem
