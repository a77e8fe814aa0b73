"""Vanishing and exploding signals: the figures of a model whose signals are known."""

import numpy as np
import pytest

from bpcore import Model, diagnosis, parse
from bpcore.plan import Key

JOB = {"model": {"input": [2], "layers": [{"kind": "linear", "attributes": {"units": 2, "bias": False}, "name": "body"}, {"kind": "relu", "name": "gate"}]},
       "loss": "mse", "optimizer": "sgd"}


@pytest.fixture
def found():
    """Weights diag(1, −1) and inputs above 0: the second unit is dead."""
    model = Model(parse(JOB), dtype=np.float64)
    parameters, out = model.layout.zeros(np.float64), model.layout.zeros(np.float64)
    parameters.named()["body.weight"][...] = [[1, 0], [0, -1]]
    batch = {"x": np.array([[3.0, 1.0], [4.0, 1.0]]), "y": np.zeros((2, 2))}
    row = model.gradient(parameters, batch, out, Key(0, 0, 0))
    return diagnosis.values(model.spec.graph, model.diagnosis(2), out, row[1])


def test_the_size_of_the_outputs_is_their_root_mean_square(found):
    """gate: 3, 0, 4, 0 → √(25 / 4)."""
    assert found["activation_rms/gate"] == pytest.approx(2.5)


def test_a_unit_that_is_always_zero_is_dead(found):
    assert (found["dead_share/gate"], found["dead_share/body"]) == (0.5, 0.0)


def test_the_gradients_norm_is_that_of_the_mean(found):
    """d/dW₀₀ Σ(y − 0)² = 2 (3·3 + 4·4) = 50, d/dW₁₀ = 2 (3 + 4) = 14, over 4 outputs."""
    assert found["gradient_norm/body"] == pytest.approx(np.hypot(50, 14) / 4)
    assert "gradient_norm/gate" not in found
