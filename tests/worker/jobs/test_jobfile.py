"""Plain data → JobSpec: every spelling of a job, and a sentence for everything that is none."""

import pytest

from bptrain.v1.spec_pb2 import JobSpec
from worker.jobs import jobfile

FIELDS = ", ".join(sorted(field.name for field in JobSpec.DESCRIPTOR.fields))


def problems(data):
    return [str(problem) for problem in jobfile.parse(data)[1]]


def spec(data):
    parsed, found = jobfile.parse(data)
    assert found == []
    return parsed


@pytest.mark.parametrize("spelling", ["relu", {"relu": None}, {"relu": {}}, {"kind": "relu"}, {"kind": "relu", "attributes": None}])
def test_a_component_without_attributes_has_many_spellings(spelling):
    assert spec({"loss": spelling}).loss.kind == "relu"
    assert spec({"model": {"layers": [spelling]}}).model.layers[0].kind == "relu"


@pytest.mark.parametrize("spelling", [{"linear": {"units": 10}}, {"kind": "linear", "attributes": {"units": 10}}])
def test_a_component_with_attributes_has_two(spelling):
    layer = spec({"model": {"layers": [spelling]}}).model.layers[0]
    assert (layer.kind, dict(layer.attributes)) == ("linear", {"units": 10})


def test_a_layers_name_and_inputs_stand_beside_its_kind():
    layer = spec({"model": {"layers": [{"name": "sum", "inputs": ["a", "input"], "add": None}]}}).model.layers[0]
    assert (layer.kind, layer.name, list(layer.inputs)) == ("add", "sum", ["a", "input"])


def test_an_absent_or_null_field_is_not_set():
    assert spec({}) == JobSpec()
    assert spec({"name": None, "data": {"eval": None}, "seed": None}) == JobSpec(data={})


def test_whole_numbers_may_come_as_floats():
    """JSON has no integers."""
    assert spec({"batch_size": 64.0, "seed": 2.0**63}) == JobSpec(batch_size=64, seed=2**63)


def test_the_largest_numbers_fit():
    assert spec({"seed": 2**64 - 1, "epochs": 2**32 - 1}) == JobSpec(seed=2**64 - 1, epochs=2**32 - 1)


@pytest.mark.parametrize(("value", "shown"), [
    (-1, "-1"), (1.5, "1.5"), (2**32, "4294967296"), ("64", '"64"'), (True, "true"), ([64], "[64]"), ({}, "{}"),
    (float("nan"), "NaN"), (float("inf"), "Infinity"),
])
def test_an_integer_field_takes_integers_that_fit(value, shown):
    assert problems({"batch_size": value}) == [f"batch_size: expected an integer from 0 to 4294967295, got {shown}"]


@pytest.mark.parametrize("value", [-1, 2**64, "many", False])
def test_a_seed_has_64_bits(value):
    assert problems({"seed": value})[0].startswith("seed: expected an integer from 0 to 18446744073709551615, got ")


@pytest.mark.parametrize(("value", "shown"), [(-0.5, "-0.5"), ("1", '"1"'), (True, "true"), (float("inf"), "Infinity"), (float("nan"), "NaN")])
def test_a_real_field_takes_finite_numbers_from_0(value, shown):
    assert problems({"checkpoint": {"every_s": value}}) == [f"checkpoint.every_s: expected a non-negative number, got {shown}"]


@pytest.mark.parametrize(("value", "shown"), [(5, "5"), (None, None), (["a"], '["a"]'), (True, "true")])
def test_a_text_field_takes_text(value, shown):
    assert problems({"name": value}) == ([f"name: expected a string, got {shown}"] if shown else [])


@pytest.mark.parametrize(("data", "text"), [
    ({"epoch": 3}, f'epoch: unknown key "epoch"; did you mean epochs? known: {FIELDS}'),
    ({"zzz": 3}, f'zzz: unknown key "zzz"; known: {FIELDS}'),
    ({7: 3}, f'7: unknown key "7"; known: {FIELDS}'),
    ({"data": {"trian": "x"}}, 'data.trian: unknown key "trian"; did you mean train? known: balance, environment, eval, train, transforms'),
    ({"checkpoint": {"keeps": 1}}, 'checkpoint.keeps: unknown key "keeps"; did you mean keep? known: every_s, every_steps, keep, keep_best'),
])
def test_an_unknown_key_answers_with_the_nearest_and_all_known_ones(data, text):
    assert problems(data) == [text]


@pytest.mark.parametrize("value", [None, [], 5, "text", True])
def test_a_job_is_keys_with_values(value):
    assert problems(value)[0].startswith("job: expected keys with values, got ")


@pytest.mark.parametrize(("data", "text"), [
    ({"model": 5}, "model: expected keys with values, got 5"),
    ({"model": {"layers": "relu"}}, 'model.layers: expected a list, got "relu"'),
    ({"model": {"input": [8, "x", -1]}}, 'model.input[1]: expected an integer from 0 to 4294967295, got "x"'),
    ({"loss": 5}, "loss: expected a component: a name, or one name with its attributes, got 5"),
    ({"loss": {"mse": 5}}, "loss.mse: expected attributes as name: value pairs, got 5"),
    ({"loss": {"mse": {}, "other": {}}}, 'loss: expected a component: a name, or one name with its attributes, got {"mse": {}, "other": {}}'),
])
def test_what_has_the_wrong_form_is_named_with_its_place(data, text):
    assert problems(data)[0] == text


def test_a_layer_that_cannot_be_read_leaves_the_others_their_numbers():
    parsed, found = jobfile.parse({"model": {"layers": [5, "relu", {"a": {}, "b": {}}, {"linear": 3}, "tanh"]}})
    assert [problem.field for problem in found] == ["model.layers[0]", "model.layers[2]", "model.layers[3].linear"]
    assert [layer.kind for layer in parsed.model.layers] == ["", "relu", "", "", "tanh"]


def test_every_problem_is_found_at_once():
    found = problems({"name": 5, "epochs": -1, "loss": [], "data": {"train": 3, "tset": 4}, "seeds": 1})
    assert [text.partition(":")[0] for text in found] == ["name", "epochs", "loss", "data.train", "data.tset", "seeds"]


def test_what_can_be_read_is_kept_beside_what_cannot():
    parsed, _ = jobfile.parse({"name": "kept", "epochs": -1, "model": {"input": [3], "layers": 5}})
    assert parsed == JobSpec(name="kept", model={"input": [3]})


def test_plain_is_the_inverse_of_parse(job, tiny):
    for data in (job(), tiny(), {}, {"seed": 2**64 - 1, "checkpoint": {"every_s": 0.1}}):
        assert spec(jobfile.plain(spec(data))) == spec(data)
