"""What is wrong with a job that plays is said when it is handed in, all at once."""

import copy

import pytest

ENVIRONMENT = {"tic_tac_toe": {"environments": 4}}


def with_units(playing, policy=9, value=1):
    """The model, its heads ending in so many numbers."""
    model = copy.deepcopy(playing()["model"])
    model["inputs"].pop("forbidden")
    model["layers"][3:] = [{"linear": {"units": policy}, "name": "policy"}, {"linear": {"units": value}, "inputs": ["seen"], "name": "value"}]
    return model


@pytest.mark.parametrize(("environment", "text"), [
    ("tic_tac_to", 'data.environment: unknown environment "tic_tac_to"; did you mean tic_tac_toe? known: gymnasium, tic_tac_toe'),
    ({"tic_tac_toe": {"opening": 5}}, "data.environment.tic_tac_toe.opening: expected an integer from 0 to 4, got 5"),
    ({"tic_tac_toe": {"discount": 1.5}}, "data.environment.tic_tac_toe.discount: expected a number from 0 to 1, got 1.5"),
    ({"tic_tac_toe": {"steps": 0}}, "data.environment.tic_tac_toe.steps: expected a positive integer, got 0"),
    ({"gymnasium": {}}, "data.environment.gymnasium.name: expected a non-empty string, but it is missing"),
])
def test_an_environment_that_is_none(checked_playing, refused, environment, text):
    assert text in refused(lambda: checked_playing(environment))


def test_what_does_not_go_with_an_environment(checked_playing, refused):
    data = {"environment": ENVIRONMENT, "train": {"npz": {"path": "x.npz"}}, "eval": {"npz": {"path": "x.npz"}}, "transforms": ["flip"]}
    assert refused(lambda: checked_playing(data=data, folds=2, fold=1, batch_size=35)) == [
        "data.eval: expected none with folds, as each fold is held out in its turn; leave one out",
        "data.train: expected none with data.environment, where samples are played; leave one out",
        "data.transforms: expected none with data.environment, where samples are played; leave one out",
        "folds: expected none with data.environment, where samples are played; leave one out",
        "batch_size: expected a multiple of logical_shards = 3 with data.environment, got 35"]


@pytest.mark.parametrize(("units", "text"), [
    ({"policy": 7}, "losses[0]: expected the layer it reads to end in (9,), a score for each action of the environment, got (7,)"),
    ({"value": 2}, "losses[1]: expected the layer it reads to end in (1,), the value of a situation, got (2,)"),
])
def test_a_model_that_does_not_fit_the_actions(playing, checked_playing, refused, units, text):
    assert refused(lambda: checked_playing(model=with_units(playing, **units))) == [text]


@pytest.mark.parametrize(("head", "replaced", "text"), [
    (0, {"target": "answers"}, 'losses[0].target: expected y, the field with actions and advantages, got "answers"'),
    (1, {"target": "y"}, "losses: expected one loss with target: returns, of the value of a situation, as data.environment is given, "
                         'got 0'),
    (0, {"loss": "mse", "metrics": []}, 'losses: expected one loss with policy_gradient, as data.environment is given, got 0'),
])
def test_losses_that_make_no_player(playing, checked_playing, refused, head, replaced, text):
    losses = copy.deepcopy(playing()["losses"])
    losses[head] |= replaced
    assert refused(lambda: checked_playing(losses=losses)) == [text]


def test_a_model_that_looks_at_something_else(playing, checked_playing, refused):
    model = playing()["model"]
    other = model | {"inputs": {"board": {"shape": [9], "field": "x"}, "forbidden": {"shape": [9]}}}
    assert refused(lambda: checked_playing(model=other)) == ["model.inputs.board (data.environment): expected [3, 3, 2], the shape of a sample, got [9]"]
