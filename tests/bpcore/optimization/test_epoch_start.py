"""The parameters that an epoch began with, kept by the updater where a job's samples come of them."""

from dataclasses import replace

import numpy as np

from bpcore import Model, parse
from bpcore.optimization.update import EPOCH_START, Pace, Updater

JOB = {"model": {"input": [1], "layers": [{"kind": "linear", "attributes": {"units": 3}}]}, "loss": "mse",
       "optimizer": {"sgd": {"learning_rate": 0.1}}}


def test_they_are_kept_until_the_next_epoch_begins():
    model = Model(replace(parse(JOB), keeps_start=True))
    updater, p = Updater(model.spec, model.layout), model.initialize(1).flat
    state, kept = {EPOCH_START: np.zeros_like(p)}, []
    for step in range(6):  # two epochs of three
        new_p, new_state = np.zeros_like(p), {EPOCH_START: np.full_like(p, np.nan)}
        updater.update(Pace(step + 1, 1, 1, epoch=step // 3, begins=step % 3 == 0), np.ones_like(p), p, state, new_p, new_state)
        kept.append((p, new_state[EPOCH_START]))
        p, state = new_p, new_state
    for step, (_, start) in enumerate(kept):
        np.testing.assert_array_equal(start, kept[step // 3 * 3][0])


def test_other_jobs_keep_nothing_more():
    model = Model(parse(JOB))
    assert EPOCH_START not in Updater(model.spec, model.layout).state


def test_the_outputs_of_all_heads_come_of_one_pass():
    two = JOB | {"loss": None, "losses": [{"loss": "mse", "output": "one"}, {"loss": "mse", "output": "two"}],
                 "model": {"input": [1], "layers": [{"kind": "linear", "attributes": {"units": 3}, "name": "one"},
                                                    {"kind": "linear", "attributes": {"units": 2}, "name": "two"}]}}
    model = Model(parse(two))
    parameters, batch = model.initialize(1), {"x": np.array([[1.0], [2.0]])}
    one, other = model.outputs(parameters, batch)
    np.testing.assert_array_equal(one, model.predict(parameters, batch))
    np.testing.assert_allclose(other, one @ parameters.named()["two.weight"] + parameters.named()["two.bias"], rtol=1e-6)
