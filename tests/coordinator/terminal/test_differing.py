"""What two job files do not have in common."""

import pytest

from coordinator.terminal.differing import differing


@pytest.mark.parametrize(("changes", "rows"), [
    ({}, []),
    ({"epochs": 3}, [("epochs", "2", "3")]),
    ({"optimizer": {"adam": {"learning_rate": 0.5}}}, [("optimizer.adam.learning_rate", "0.01", "0.5")]),
    ({"optimizer": {"sgd": {"learning_rate": 0.01}}}, [("optimizer", "adam", "sgd"), ("optimizer.adam.learning_rate", "0.01", "-"), ("optimizer.sgd.learning_rate", "-", "0.01")]),
    ({"labels": {"team": "vision"}}, [("labels.team", "-", "vision")]),
    ({"model": {"input": [64], "layers": ["flatten", {"linear": {"units": 12, "bias": False}}]}},
     [("model.input", "[8, 8, 1]", "[64]"), ("model.layers[1].linear.units", "10", "12"), ("model.layers[1].linear.bias", "-", "false")])])
def test_fields_that_differ_are_told_with_both_values(small_spec, changes, rows):
    assert differing(small_spec(), small_spec(**changes)) == rows
