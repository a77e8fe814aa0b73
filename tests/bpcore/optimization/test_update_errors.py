"""Settings of the update that do not fit, and what users read then."""

import re

import pytest

from bpcore import parse
from bpcore.errors import InvalidInput

JOB = {"model": {"input": [4], "layers": [{"kind": "linear", "name": "only", "attributes": {"units": 2}}]}, "loss": {"kind": "mse"},
       "optimizer": {"kind": "sgd"}}


@pytest.mark.parametrize(("settings", "text"), [
    ({"groups": [{"match": "*.bias"}, {"match": "stem.*"}]},
     'groups[1].match: expected a pattern that some parameter\'s name matches, got "stem.*"; the names: only.weight, only.bias'),
    ({"groups": [{"match": ""}]}, 'groups[0].match: expected a pattern of parameter names, such as *.bias, got ""'),
    ({"groups": [{"frozen": True}]}, "groups[0].match: expected a pattern of parameter names, such as *.bias, but it is missing"),
    ({"groups": [{"match": "*", "learning_rate_scale": -1}]}, "groups[0].learning_rate_scale: expected a number ≥ 0, got -1"),
    ({"groups": [{"match": "*", "weight_decay": True}]}, "groups[0].weight_decay: expected a number ≥ 0, got true"),
    ({"groups": [{"match": "*", "freeze": True}]},
     'groups[0].freeze: unknown attribute "freeze"; did you mean frozen? known: frozen, frozen_epochs, learning_rate_scale, match, weight_decay'),
    ({"clipping": {"norm": -1}}, "clipping.norm: expected a number ≥ 0, got -1"),
    ({"regularization": {"max_norm": "big"}}, 'regularization.max_norm: expected a number ≥ 0, got "big"'),
    ({"regularization": {"exclude": "*.bias"}}, 'regularization.exclude: expected a list of names, got "*.bias"'),
    ({"weight_average": 1}, "weight_average: expected a number ≥ 0 and < 1, got 1"),
], ids=str)
def test_a_setting_that_does_not_fit_is_refused(settings, text):
    with pytest.raises(InvalidInput, match=f"^{re.escape(text)}$"):
        parse(JOB | settings)


def test_every_problem_is_said_at_once():
    with pytest.raises(InvalidInput) as caught:
        parse(JOB | {"groups": [{"match": "a*"}, {"match": "*", "frozen": 1}], "clipping": {"value": -1}, "weight_average": -0.5})
    assert [problem.field for problem in caught.value.problems] == ["clipping.value", "groups[1].frozen", "weight_average", "groups[0].match"]
