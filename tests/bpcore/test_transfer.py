"""Starting from parameters trained before: names, orders of axes, and nothing matched by chance."""

import numpy as np
import pytest

from bpcore import Model, parse
from bpcore.transfer import match

JOB = {"model": {"input": [4], "layers": [{"kind": "linear", "attributes": {"units": 3}, "name": "body"}, {"kind": "relu"},
                                          {"kind": "linear", "attributes": {"units": 2}, "name": "head"}]},
       "loss": "mse", "optimizer": "sgd"}


@pytest.fixture
def model():
    return Model(parse(JOB))


def theirs(**arrays):
    return {name.replace("__", "."): np.asarray(array, np.float32) for name, array in arrays.items()}


def test_what_has_our_name_is_taken_over_and_the_rest_starts_fresh(model):
    found = match(model.spec.graph, theirs(body__weight=np.ones((4, 3)), other=[1.0]), {}, torch=False)
    assert (list(found.arrays), found.missing, found.unused) == (["body.weight"], ["body.bias", "head.weight", "head.bias"], ["other"])
    parameters = model.initialize(0)
    found.apply(parameters)
    assert (parameters.named()["body.weight"] == 1).all()


def test_a_star_stands_for_the_same_text_on_both_sides(model):
    arrays = theirs(features__0__weight=np.ones((4, 3)), features__0__bias=np.ones(3))
    found = match(model.spec.graph, arrays, {"body.*": "features.0.*"}, torch=False)
    assert list(found.arrays) == ["body.weight", "body.bias"] and found.unused == []


def test_pytorchs_weights_are_turned(model):
    """torch.nn.Linear keeps (out, in)."""
    weight = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = match(model.spec.graph, {"body.weight": weight}, {}, torch=True)
    assert found.arrays["body.weight"].tolist() == weight.T.tolist()


def test_the_right_name_with_another_shape_is_a_problem(model):
    (problem,) = match(model.spec.graph, theirs(head__weight=np.ones((5, 2))), {}, torch=False).problems
    assert problem.message == ('expected head.weight of shape (3, 2), got (5, 2); "head.weight" does not fit; '
                               "leave it out with a name map, or change the layer")
