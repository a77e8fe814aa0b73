"""Which parameters are evaluated and exported: the moving average of the weights, where a job asks for one."""

import numpy as np

from bpcore import Model, parse
from bpcore.model import Key
from bpcore.optimization.update import Pace, Updater

BATCH = {"x": np.array([[1.0], [2.0]]), "y": np.array([[3.0], [5.0]])}


def trained(steps, average=0.5):
    """(model, updater, parameters, state, every parameter vector so far) after some steps of a model y = w x."""
    model = Model(parse({"model": {"input": [1], "layers": [{"kind": "linear", "attributes": {"units": 1, "bias": False}}]},
                         "loss": "mse", "optimizer": {"sgd": {"learning_rate": 0.1}}, "weight_average": average}), np.float64)
    updater, p = Updater(model.spec, model.layout), model.initialize(1)
    state, path = {name: model.layout.zeros(np.float64) for name in updater.state}, []
    for step in range(1, steps + 1):
        g, new_p = model.layout.zeros(np.float64), model.layout.zeros(np.float64)
        new_state = {name: model.layout.zeros(np.float64) for name in state}
        row = model.gradient(p, BATCH, g, Key(0, step, 0))
        updater.update(Pace(step, row[1], 2), g.flat, p.flat, {name: vector.flat for name, vector in state.items()}, new_p.flat,
                       {name: vector.flat for name, vector in new_state.items()})
        p, state = new_p, new_state
        path.append(p.flat[0])
    return model, updater, p, state, path


def test_the_average_of_three_updates_is_the_one_by_hand():
    """With a decay of a half: p₁, then (p₁ + p₂) / 2, then half of that and half of p₃."""
    _, updater, p, state, (p1, p2, p3) = trained(3)
    assert p.flat[0] == p3
    np.testing.assert_allclose(updater.evaluated(p, state).flat[0], p1 / 4 + p2 / 4 + p3 / 2, rtol=1e-14)


def test_what_is_evaluated_is_a_vector_that_a_model_takes():
    model, updater, p, state, _ = trained(3)
    chosen = updater.evaluated(p, state)
    assert chosen.layout is model.layout
    np.testing.assert_allclose(model.predict(chosen, BATCH), BATCH["x"] * chosen.flat[0], rtol=1e-14)
    assert not np.array_equal(model.predict(chosen, BATCH), model.predict(p, BATCH))


def test_before_the_first_update_the_parameters_themselves_are_evaluated():
    _, updater, p, state, _ = trained(0)
    assert updater.evaluated(p, state) is p


def test_without_an_average_no_vector_is_kept_for_it():
    _, updater, p, state, _ = trained(2, average=0)
    assert state == {} and updater.evaluated(p, state) is p


def test_training_goes_on_from_the_parameters_not_from_their_average():
    assert trained(3)[-1] == trained(3, average=0)[-1]
