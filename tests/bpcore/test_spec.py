"""The mathematical part of a job: plain dicts in, checked objects out, every problem at once."""

import pytest

from bpcore.errors import InvalidInput
from bpcore.losses import Targets
from bpcore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from bpcore.metrics import METRICS
from bpcore.metrics.accuracy import Accuracy
from bpcore.optimizers.adam import Adam
from bpcore.spec import parse

LINEAR = {"kind": "linear", "attributes": {"units": 3}}
MODEL = {"input": [4], "layers": [LINEAR]}


def problems(model=MODEL, loss="mse", metrics=(), optimizer="sgd"):
    with pytest.raises(InvalidInput) as caught:
        parse(model, loss, metrics, optimizer)
    return [str(problem) for problem in caught.value.problems]


def test_a_job_becomes_checked_objects():
    spec = parse(MODEL, "softmax_cross_entropy", ["accuracy"], {"adam": {"learning_rate": 0.1}})
    assert spec.graph.output == (3,)
    assert (spec.loss, spec.metrics) == (SoftmaxCrossEntropy(), {"accuracy": Accuracy()})
    assert spec.optimizer == Adam(learning_rate=0.1)


def test_a_job_needs_no_metrics():
    assert parse(MODEL, "mse", [], "sgd").metrics == {}


def test_a_metric_goes_by_its_registered_name(metric_name):
    spec = parse(MODEL, "mse", [metric_name], "sgd")
    assert {name: type(metric) for name, metric in spec.metrics.items()} == {metric_name: METRICS.types[metric_name]}


def test_problems_of_all_parts_come_at_once():
    model = {"input": [4], "layers": [{"kind": "lineer"}, {"kind": "linear", "attributes": {"units": -1}}]}
    found = problems(model, "mes", ["accuracy", "acuracy"], {"adam": {"beta1": 1}})
    assert [line.partition(":")[0] for line in found] == [
        "model.layers[0]", "model.layers[1].linear.units", "loss", "metrics[1]", "optimizer.adam.beta1"]


@pytest.mark.parametrize(("part", "problem"), [
    ({"loss": "mes"}, 'loss: unknown loss "mes"; did you mean mse? known: '),
    ({"metrics": ["acuracy"]}, 'metrics[0]: unknown metric "acuracy"; did you mean accuracy? known: '),
    ({"optimizer": "adm"}, 'optimizer: unknown optimizer "adm"; did you mean adam? known: '),
    ({"optimizer": None}, "optimizer: expected a"),
    ({"optimizer": {"adam": {"learning_rate": -1}}}, "optimizer.adam.learning_rate: expected a number ≥ 0, got -1"),
    ({"metrics": [{"accuracy": {"k": 5}}]}, 'metrics[0].accuracy.k: unknown attribute "k"; known: none'),
], ids=lambda value: str(value)[:40])
def test_a_problem_names_the_place_in_the_job_file(part, problem):
    (found,) = problems(**part)
    assert found.startswith(problem)


def test_a_metric_is_named_once():
    assert len(problems(metrics=["accuracy", "accuracy"])) == 1


def test_a_loss_refuses_an_output_that_it_cannot_take():
    model = {"input": [8, 8, 1], "layers": [{"kind": "relu"}]}
    assert problems(model, "softmax_cross_entropy") == [
        "loss: expected the model to end in (classes,), at least 2, got (8, 8, 1); end it in linear"]


def test_a_loss_is_not_held_against_a_model_that_failed():
    assert problems({"input": [8, 8, 1], "layers": []}, "softmax_cross_entropy") == [
        "model.layers: expected at least one layer, got none"]


def test_targets_that_fit_have_no_problem():
    spec = parse(MODEL, "softmax_cross_entropy", ["accuracy"], "sgd")
    assert spec.target_problems(Targets((), integer=True, classes=3)) == []


def test_targets_that_do_not_fit_are_refused_by_loss_and_metrics():
    spec = parse(MODEL, "softmax_cross_entropy", ["accuracy"], "sgd")
    found = [str(problem) for problem in spec.target_problems(Targets((3,), integer=False))]
    wants = "expected one integer label a sample, got (3,) numbers"
    assert found == [f"loss: {wants}", f"metrics.accuracy: {wants}"]


def test_more_labels_than_classes_are_refused_with_the_layer_that_would_fit():
    spec = parse(MODEL, "softmax_cross_entropy", [], "sgd")
    (problem,) = spec.target_problems(Targets((), integer=True, classes=10))
    assert str(problem) == ("loss: expected labels 0 … 2, as the model ends in 3 classes, got 9; "
                            "end the model in linear: {units: 10}")
