"""The mathematical part of a job: plain dicts in, checked objects out, every problem at once."""

import dataclasses
import math

import pytest

from bpcore.errors import InvalidInput
from bpcore.fields import Field
from bpcore.losses.mse import Mse
from bpcore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from bpcore.metrics import METRICS
from bpcore.metrics.accuracy import Accuracy
from bpcore.optimization.regularization import Clipping, Group, Regularization
from bpcore.optimizers.adam import Adam
from bpcore.schedules.constant import Constant
from bpcore.schedules.cosine import Cosine
from bpcore.spec import parse

MODEL = {"input": [4], "layers": [{"kind": "linear", "attributes": {"units": 3}}]}
# Two heads: a classifier and a regression beside it, on one trunk.
FORKED = {"input": [4], "layers": [
    {"kind": "linear", "name": "trunk", "attributes": {"units": 5}},
    {"kind": "linear", "name": "classes", "attributes": {"units": 3}},
    {"kind": "linear", "name": "size", "inputs": ["trunk"], "attributes": {"units": 2}}]}
CLASSES = {"loss": "softmax_cross_entropy", "output": "classes", "metrics": ["accuracy"]}
SIZE = {"loss": "mse", "output": "size", "target": "z"}


def job(**parts):
    return {"model": MODEL, "loss": "mse", "optimizer": "sgd"} | parts


def forked(*heads, **parts):
    return {"model": FORKED, "losses": list(heads) or [CLASSES, SIZE], "optimizer": "sgd"} | parts


def problems(given):
    with pytest.raises(InvalidInput) as caught:
        parse(given)
    return [str(problem) for problem in caught.value.problems]


def data_problems(given, **fields):
    return [str(problem) for problem in parse(given).data_problems({"x": Field((4,)), **fields})]


def test_a_job_becomes_checked_objects():
    spec = parse(job(loss="softmax_cross_entropy", metrics=["accuracy"], optimizer={"adam": {"learning_rate": 0.1}}))
    (head,) = spec.heads
    assert spec.graph.output == spec.output(head) == (3,)
    assert (head.loss, head.metrics) == (SoftmaxCrossEntropy(), {"accuracy": Accuracy()})
    assert spec.optimizer == Adam(learning_rate=0.1)


def test_a_job_needs_no_more_than_a_model_a_loss_and_an_optimizer():
    spec = parse(job())
    (head,) = spec.heads
    assert (head.name, head.output, head.target, head.weight, head.scale, head.metrics) == ("", 0, "y", "", 1.0, {})
    assert (spec.schedule, spec.regularization, spec.clipping, spec.groups, spec.average) == (
        Constant(), Regularization(), Clipping(), (), 0.0)


def test_what_is_no_mathematics_is_not_looked_at():
    assert parse(job(name="///", epochs=-1, data={"train": None})) == parse(job())


def test_every_part_of_the_training_is_built():
    spec = parse(job(schedule={"cosine": {"warmup": 5}}, regularization={"l2": 0.1, "exclude": ["*.bias"]},
                     clipping={"global_norm": 1}, weight_average=0.99,
                     groups=[{"match": "*.bias", "learning_rate_scale": 2, "weight_decay": 0}]))
    assert spec.schedule == Cosine(warmup=5)
    assert spec.regularization == Regularization(l2=0.1, exclude=("*.bias",))
    assert spec.clipping == Clipping(global_norm=1.0)
    assert spec.groups == (Group("*.bias", learning_rate_scale=2.0, weight_decay=0.0),)
    assert spec.average == 0.99


def test_a_metric_goes_by_its_registered_name(metric_name):
    first = next(METRICS.types[metric_name].cases()).metric
    attributes = {name: value for name, value in dataclasses.asdict(first).items() if value is not None}
    (head,) = parse(job(metrics=[{metric_name: attributes}])).heads
    assert head.metrics == {metric_name: first}


def test_problems_of_all_parts_come_at_once():
    model = {"input": [4], "layers": [{"kind": "lineer"}, {"kind": "linear", "attributes": {"units": -1}}]}
    found = problems(job(model=model, loss="mes", metrics=["accuracy", "acuracy"], optimizer={"adam": {"beta1": 1}},
                         schedule="cosin", regularization={"l1": -1}, clipping={"norm": "big"},
                         groups=[{"frozen": True}, {"match": "*", "frozen": 1}], weight_average=1))
    assert [line.partition(":")[0] for line in found] == [
        "model.layers[0]", "model.layers[1].linear.units", "loss", "metrics[1]", "optimizer.adam.beta1", "schedule",
        "regularization.l1", "clipping.norm", "groups[0].match", "groups[1].frozen", "weight_average"]


def test_a_job_of_nothing_says_what_it_lacks():
    found = problems({})
    assert [line.partition(":")[0] for line in found] == ["model.input", "model.layers", "loss", "optimizer"]


@pytest.mark.parametrize(("part", "problem"), [
    ({"loss": "mes"}, 'loss: unknown loss "mes"; did you mean mse? known: '),
    ({"metrics": ["acuracy"]}, 'metrics[0]: unknown metric "acuracy"; did you mean accuracy? known: '),
    ({"optimizer": "adm"}, 'optimizer: unknown optimizer "adm"; did you mean '),
    ({"optimizer": None}, "optimizer: expected one of adadelta, adagrad, adam, "),
    ({"loss": None}, "loss: expected one of contrastive, cosine_embedding, ctc, "),
    ({"optimizer": 3}, "optimizer: expected a"),
    ({"optimizer": {"adam": {"learning_rate": -1}}}, "optimizer.adam.learning_rate: expected a number ≥ 0, got -1"),
    ({"metrics": [{"accuracy": {"k": 5}}]}, 'metrics[0].accuracy.k: unknown attribute "k"; known: '),
    ({"schedule": "cosin"}, 'schedule: unknown schedule "cosin"; did you mean cosine? known: '),
    ({"schedule": {"cosine": {"warmup": -1}}}, "schedule.cosine.warmup: expected a non-negative integer, got -1"),
    ({"regularization": {"l3": 1}}, 'regularization.l3: unknown attribute "l3"; known: exclude, l1, l2, max_norm, weight_decay'),
    ({"regularization": {"weight_decay": -0.1}}, "regularization.weight_decay: expected a number ≥ 0, got -0.1"),
    ({"regularization": {"exclude": "*.bias"}}, 'regularization.exclude: expected a list of names, got "*.bias"'),
    ({"clipping": {"value": -1}}, "clipping.value: expected a number ≥ 0, got -1"),
    ({"clipping": {"global": 1}}, 'clipping.global: unknown attribute "global"; did you mean global_norm? known: global_norm, norm, value'),
    ({"groups": [{}]}, "groups[0].match: expected a pattern of parameter names, such as *.bias, but it is missing"),
    ({"groups": [{"match": "*", "learning_rate_scale": -1}]}, "groups[0].learning_rate_scale: expected a number ≥ 0, got -1"),
    ({"groups": [{"match": "*", "weight_decay": "none"}]}, 'groups[0].weight_decay: expected a number ≥ 0, got "none"'),
    ({"groups": [{"match": "*", "weight_decay": math.inf}]}, "groups[0].weight_decay: expected a number ≥ 0, got Infinity"),
    ({"groups": [{"match": "*", "frozen_epochs": -1}]}, "groups[0].frozen_epochs: expected a non-negative integer, got -1"),
    ({"weight_average": 1}, "weight_average: expected a number ≥ 0 and < 1, got 1"),
    ({"weight_average": -0.5}, "weight_average: expected a number ≥ 0 and < 1, got -0.5"),
    ({"weight_average": math.nan}, "weight_average: expected a number ≥ 0 and < 1, got NaN"),
], ids=lambda value: str(value)[:40])
def test_a_problem_names_the_place_in_the_job_file(part, problem):
    (found,) = problems(job(**part))
    assert found.startswith(problem)


def test_a_group_that_matches_nothing_gets_the_names_there_are():
    found = problems(job(groups=[{"match": "*.weight"}, {"match": "conv*"}]))
    assert found == ['groups[1].match: expected a pattern that some parameter\'s name matches, got "conv*"; '
                     "the names: linear_0.weight, linear_0.bias"]


@pytest.mark.parametrize(("pattern", "matches"), [
    ("*", True), ("linear_0.*", True), ("*.bias", True), ("linear_[0-9].bias", True), ("linear_0.b?as", True),
    ("linear_0", False), ("LINEAR_0.*", False), ("bias", False)])
def test_a_pattern_is_a_shells_and_names_the_whole_name(pattern, matches):
    given = job(groups=[{"match": pattern}])
    assert bool(parse(given).groups) if matches else len(problems(given)) == 1


def test_groups_are_not_held_against_a_model_that_failed():
    assert problems(job(model={"input": [4], "layers": []}, groups=[{"match": "conv*"}])) == [
        "model.layers: expected at least one layer, got none"]


def test_a_metric_is_named_once():
    assert problems(job(metrics=["accuracy", "accuracy"])) == ['metrics[1]: expected each metric once, got "accuracy" again']


def test_a_loss_refuses_an_output_that_it_cannot_take():
    model = {"input": [8, 8, 1], "layers": [{"kind": "relu"}]}
    assert problems(job(model=model, loss="softmax_cross_entropy")) == [
        "loss: expected the model to end in (classes,), at least 2, got (8, 8, 1); end it in linear"]


def test_a_loss_is_not_held_against_a_model_that_failed():
    assert problems(job(model={"input": [8, 8, 1], "layers": []}, loss="softmax_cross_entropy")) == [
        "model.layers: expected at least one layer, got none"]


def test_several_losses_read_outputs_by_name():
    spec = parse(forked(CLASSES, SIZE | {"weight": "known", "scale": 0.5}))
    classes, size = spec.heads
    assert (classes.name, classes.loss, classes.output, classes.target, classes.weight, classes.scale, classes.metrics) == (
        "classes", SoftmaxCrossEntropy(), 1, "y", "", 1.0, {"accuracy": Accuracy()})
    assert (size.name, size.loss, size.output, size.target, size.weight, size.scale, size.metrics) == (
        "size", Mse(), 2, "z", "known", 0.5, {})


def test_a_head_without_an_output_reads_the_last_layer():
    """Though another head names its own, and nothing else reads the last layer."""
    spec = parse(forked(CLASSES, {"loss": "mse", "target": "z"}))
    assert [head.name for head in spec.heads] == ["classes", "size"]


def test_a_list_of_one_loss_is_a_loss_with_more_to_say():
    model = FORKED | {"layers": FORKED["layers"][:2]}
    (head,) = parse({"model": model, "losses": [CLASSES | {"weight": "w", "scale": 2}], "optimizer": "sgd"}).heads
    assert (head.name, head.output, head.weight, head.scale) == ("", 1, "w", 2)


def test_problems_of_heads_come_under_their_place():
    heads = [CLASSES | {"loss": "softmax", "metrics": ["accuracy", "acuracy"]}, SIZE | {"output": "sise"},
             SIZE | {"loss": {"mse": {"k": 1}}}]
    assert [line.partition(";")[0] for line in problems(forked(*heads))] == [
        'losses[0].loss: unknown loss "softmax"', 'losses[0].metrics[1]: unknown metric "acuracy"',
        'losses[1].output: unknown layer "sise"', 'losses[2].loss.mse.k: unknown attribute "k"']


@pytest.mark.parametrize(("beside", "problem"), [
    ({"loss": "mse"}, "loss: expected either loss or losses, got both; leave one out"),
    ({"metrics": ["accuracy"]}, "metrics: expected metrics with each of losses, got a list beside them; "
                                "move them under the loss whose output they read"),
])
def test_what_stands_beside_several_losses_is_not_left_out_in_silence(beside, problem):
    assert problems(forked(**beside)) == [problem]


LABELS = {"softmax_cross_entropy": {"ignored": -1}}


def test_metrics_of_labels_leave_out_what_their_loss_leaves_out():
    """Or a job with padded labels would be refused for a metric that says nothing of them."""
    (head,) = parse(job(loss=LABELS, metrics=["accuracy", {"perplexity": {"ignored": 2}}, "rmse"])).heads
    assert (head.metrics["accuracy"].ignored, head.metrics["perplexity"].ignored) == (-1, 2)
    assert data_problems(job(loss=LABELS, metrics=["accuracy"]), y=Field((), True, 3, lowest=-1)) == []


def test_metrics_of_another_loss_leave_out_nothing():
    spec = parse(forked(CLASSES | {"loss": LABELS}, SIZE | {"metrics": ["accuracy"]}))
    assert [head.metrics["accuracy"].ignored for head in spec.heads] == [-1, None]


def test_an_unknown_output_is_one_problem():
    """The layer that was meant is not reported as unread."""
    assert problems(forked(CLASSES, SIZE | {"output": "sise"})) == [
        'losses[1].output: unknown layer "sise"; did you mean size? known: classes, size, trunk']


def test_an_output_that_does_not_fit_is_refused_under_its_head():
    narrow = FORKED | {"layers": FORKED["layers"][:2] + [FORKED["layers"][2] | {"attributes": {"units": 1}}]}
    found = problems(forked(CLASSES, SIZE | {"loss": "softmax_cross_entropy"}, model=narrow))
    assert found == ["losses[1]: expected the model to end in (classes,), at least 2, got (1,); end it in linear"]


@pytest.mark.parametrize(("scale", "came"), [(math.nan, "NaN"), (math.inf, "Infinity")])
def test_a_share_of_the_total_is_finite(scale, came):
    assert problems(forked(CLASSES, SIZE | {"scale": scale})) == [f"losses[1].scale: expected a number, got {came}"]


def test_data_that_fit_have_no_problem():
    assert data_problems(job(loss="softmax_cross_entropy", metrics=["accuracy"]), y=Field((), True, 3)) == []
    assert data_problems(forked(CLASSES, SIZE | {"weight": "known"}), y=Field((), True, 3), z=Field((2,)), known=Field((2,))) == []


def test_fields_that_nobody_reads_are_no_problem():
    assert data_problems(job(), y=Field((3,)), extra=Field((7, 7))) == []


def test_targets_that_do_not_fit_are_refused_once():
    found = data_problems(job(loss="softmax_cross_entropy", metrics=["accuracy"]), y=Field((2,)))
    wants = "expected one integer label a sample, got (2,) numbers"
    assert found == [f"loss: {wants}"]  # the metric would say the same


def test_more_labels_than_classes_are_refused_with_the_layer_that_would_fit():
    (found,) = data_problems(job(loss="softmax_cross_entropy"), y=Field((), True, 10))
    assert found == ("loss: expected labels 0 … 2, as the model ends in 3 classes, got 9; "
                     "end the model in linear: {units: 10}")


def test_targets_are_held_against_the_head_that_reads_them():
    found = data_problems(forked(), y=Field((), True, 3), z=Field((3,)))
    assert found == ["losses[1]: expected targets of the output's shape (2,), got (3,)"]


def test_a_metric_of_one_of_several_heads_is_refused_under_that_head():
    heads = CLASSES, SIZE | {"metrics": ["accuracy"]}
    found = data_problems(forked(*heads), y=Field((), True, 3), z=Field((2,)))
    assert found == ["losses[1].metrics.accuracy: expected one integer label a sample, got (2,) numbers"]


@pytest.mark.parametrize(("fields", "problem"), [
    ({"labels": Field((3,)), "Y": Field((3,))}, 'loss: unknown field "y"; known: Y, labels, x'),
    ({}, 'loss: unknown field "y"; known: x'),
], ids=["others", "x alone"])
def test_a_target_that_the_data_lack_gets_the_fields_there_are(fields, problem):
    assert data_problems(job(), **fields) == [problem]


def test_a_field_of_weights_that_the_data_lack_is_named_under_its_head():
    found = data_problems(forked(CLASSES, SIZE | {"weight": "knwon"}), y=Field((), True, 3), z=Field((2,)), known=Field((2,)))
    assert found == ['losses[1]: unknown field "knwon"; did you mean known? known: known, x, y, z']


@pytest.mark.parametrize("shape", [(), (2,)], ids=str)
def test_weights_are_for_each_sample_or_each_element(shape):
    assert data_problems(forked(CLASSES, SIZE | {"weight": "w"}), y=Field((), True, 3), z=Field((2,)), w=Field(shape)) == []


@pytest.mark.parametrize(("shape", "came"), [((3,), "[3]"), ((2, 1), "[2, 1]")])
def test_weights_of_another_shape_are_refused(shape, came):
    found = data_problems(forked(CLASSES, SIZE | {"weight": "w"}), y=Field((), True, 3), z=Field((2,)), w=Field(shape))
    assert found == [f'losses[1]: expected weights "w" of shape [2], or its leading axes, got {came}']


def test_weights_of_labels_are_one_a_label():
    """softmax_cross_entropy has one loss for all classes of a sample."""
    losses = [{"loss": "softmax_cross_entropy", "weight": "w"}]
    assert data_problems(job(loss=None, losses=losses), y=Field((), True, 3), w=Field(())) == []
    assert data_problems(job(loss=None, losses=losses), y=Field((), True, 3), w=Field((3,))) == [
        'loss: expected weights "w" of shape [], or its leading axes, got [3]']


def test_samples_of_another_shape_are_refused():
    found = [str(problem) for problem in parse(job()).data_problems({"x": Field((5,)), "y": Field((3,))})]
    assert found == ["model.input: expected [5], the shape of a sample, got [4]"]


def two_towers(**ids):
    inputs = {"user": {"integer": True} | ids, "item": {"shape": [4], "field": "x"}}
    layers = [{"kind": "lookup", "name": "a", "inputs": ["user"], "attributes": {"units": 4}},
              {"kind": "add", "inputs": ["a", "item"]}]
    return job(model={"inputs": inputs, "layers": layers})


def test_every_input_is_held_against_its_field(doubles):
    assert data_problems(two_towers(), y=Field((4,)), user=Field((), True, 5)) == []
    assert data_problems(two_towers(field="uesr"), y=Field((4,)), user=Field((), True, 5)) == [
        'model.inputs.user: unknown field "uesr"; did you mean user? known: user, x, y']
    assert data_problems(two_towers(), y=Field((4,)), user=Field((2,), True, 5)) == [
        "model.inputs.user: expected [2], the shape of a sample, got []"]


def test_an_input_of_integers_refuses_a_field_of_numbers(doubles):
    assert data_problems(two_towers(), y=Field((4,)), user=Field(())) == [
        'model.inputs.user: expected integers, got numbers in the field "user"']


def test_an_input_of_numbers_takes_a_field_of_integers():
    """Pixels as bytes."""
    assert [*parse(job()).data_problems({"x": Field((4,), True, 256), "y": Field((3,))})] == []


def test_problems_of_all_fields_come_at_once(doubles):
    given = two_towers(field="uesr") | {"loss": "mse"}
    found = [str(problem) for problem in parse(given).data_problems({"x": Field((5,)), "y": Field((3,))})]
    assert sorted(line.partition(":")[0] for line in found) == ["loss", "model.inputs.item", "model.inputs.user"]


@pytest.mark.parametrize(("classes", "lowest", "came"), [(6, 0, "5"), (3, -1, "-1")])
def test_an_index_that_an_embedding_lacks_is_refused_before_training(classes, lowest, came):
    """Else the one is a traceback in some step, and the other silently the last row."""
    layers = [{"kind": "embedding", "name": "e", "attributes": {"vocabulary": 5, "units": 3}}]
    given = job(model={"inputs": {"user": {"integer": True}}, "layers": layers})
    assert data_problems(given, y=Field((3,)), user=Field((), True, 5)) == []
    (found,) = data_problems(given, y=Field((3,)), user=Field((), True, classes, lowest))
    assert found.startswith("model.") and f"got {came}" in found


def test_samples_to_be_predicted_are_held_against_the_model():
    told = [str(problem) for problem in parse(job()).sample_problems({"x": Field((5,))})]
    assert told == ["data.x: expected samples of shape [4], as the model was trained on, got [5]"]
    assert [str(problem) for problem in parse(job()).sample_problems({"z": Field((4,))})] == [
        'data: expected the field "x", which the model reads, got z']
    assert parse(job()).sample_problems({"x": Field((4,))}) == []  # answers may be missing
