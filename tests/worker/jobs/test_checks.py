"""JobSpec → Job: everything that can be known before the first step, refused in words a user can act on."""

import pytest

from worker.jobs import checks, jobfile


@pytest.fixture
def problems(tiny, tmp_path, refused):
    """Every problem of the tiny job with some keys replaced (None: left out)."""

    def find(**replaced):
        spec, earlier = jobfile.parse(tiny(**replaced))
        return refused(lambda: checks.check(spec, tmp_path, earlier))

    return find


def test_a_good_job_gets_its_defaults_and_its_data(checked):
    job = checked(ranks=None, logical_shards=None, recovery=None)
    assert (job.spec.ranks, job.spec.logical_shards, job.spec.threads_per_rank) == (1, 1, 1)
    assert (job.spec.checkpoint.every_s, job.spec.checkpoint.keep) == (60, 2)
    assert (job.spec.reduction.kind, job.spec.shared_memory) == ("exact", True)
    assert (job.spec.recovery.deadline_s, job.spec.recovery.keep_s, job.spec.recovery.restarts) == (10, 60, 10)
    assert (len(job.train), len(job.eval), job.schedule.total_steps) == (50, 20, 10)


def test_evaluation_data_may_be_absent(checked, npz):
    assert checked(data={"train": {"npz": {"path": npz()}}}).eval is None


@pytest.mark.parametrize(("replaced", "text"), [
    ({"ranks": 13}, "ranks: expected at most batch_size = 12, got 13; every rank needs a sample a step"),
    ({"logical_shards": 13}, "logical_shards: expected at most batch_size = 12, got 13"),
    ({"ranks": 5}, "ranks: expected at most logical_shards = 4, got 5; more shards than ranks are fine, fewer are not"),
    ({"batch_size": None}, "batch_size: expected a positive integer, but it is missing or 0"),
    ({"epochs": 0}, "epochs: expected a positive integer, but it is missing or 0"),
    ({"name": None}, "name: expected 1 to 64 letters, digits, '.', '_' or '-', got \"\""),
    ({"name": "x" * 65}, f"name: expected 1 to 64 letters, digits, '.', '_' or '-', got \"{'x' * 56}..."),
    ({"name": "../up"}, "name: expected 1 to 64 letters, digits, '.', '_' or '-', got \"../up\""),
    ({"name": ".hidden"}, "name: expected 1 to 64 letters, digits, '.', '_' or '-', got \".hidden\""),
])
def test_a_number_or_name_that_does_not_fit(problems, replaced, text):
    assert any(problem.startswith(text) for problem in problems(**replaced))


def test_as_many_ranks_as_shards_as_samples_fit(checked):
    assert checked(ranks=12, logical_shards=12).spec.ranks == 12


@pytest.mark.parametrize(("layers", "text"), [
    (["lineer"], 'model.layers[0]: unknown layer "lineer"; did you mean linear? known: '),
    ([{"linear": {"unit": 3}}], 'model.layers[0].linear.unit: unknown attribute "unit"; did you mean units? '
                                "known: "),
    ([{"linear": {"units": "many"}}], 'model.layers[0].linear.units: expected a positive integer, got "many"'),
    (["relu", {"conv2d": {"filters": 2, "kernel": 3}}],
     "model.layers[1].conv2d: expected (height, width, channels), got (4,); give images a channel axis, such as [28, 28, 1]; "
     "its input is (4,) from relu_0"),
    ([], "model.layers: expected at least one layer, got none"),
])
def test_a_layer_that_does_not_fit(problems, layers, text):
    assert any(problem.startswith(text) for problem in problems(model={"input": [4], "layers": layers}))


def test_a_whole_number_is_shown_as_the_file_writes_it(problems):
    found = problems(model={"input": [4], "layers": [{"linear": {"units": 0}}]})
    assert found == ["model.layers[0].linear.units: expected a positive integer, got 0"]


@pytest.mark.parametrize(("replaced", "text"), [
    ({"loss": "cross_entropy"}, 'loss: unknown loss "cross_entropy"; did you mean softmax_cross_entropy? known: '),
    ({"loss": None}, "loss: expected one of contrastive, cosine_embedding, ctc, "),
    ({"optimizer": None}, "optimizer: expected one of adadelta, adagrad, adam, "),
    ({"optimizer": {"adam": {"learning_rate": -0.5}}}, "optimizer.adam.learning_rate: expected a number ≥ 0, got -0.5"),
    ({"data": None}, "data.train: expected one of "),
    ({"data": {"train": {"xml": {"path": "x"}}}}, 'data.train: unknown data format "xml"; known: '),
    ({"metrics": ["acuracy"]}, 'metrics[0]: unknown metric "acuracy"; did you mean accuracy? known: '),
    ({"metrics": ["accuracy", "accuracy"]}, 'metrics[1]: expected each metric once, got "accuracy" again'),
    ({"model": None}, "model.input: expected the shape of one sample, such as [28, 28, 1], got []"),
])
def test_a_component_that_is_missing_or_unknown(problems, replaced, text):
    assert any(problem.startswith(text) for problem in problems(**replaced))


def test_a_missing_evaluation_file_is_the_evaluation_datas_problem(problems, npz):
    data = {"train": {"npz": {"path": npz()}}, "eval": {"npz": {"path": "none.npz"}}}
    assert problems(data=data) == ['data.eval.npz.path: expected a file inside the data root, got "none.npz"; there is none of that name']


def test_the_models_input_is_the_shape_of_a_sample(problems):
    model = {"input": [5], "layers": [{"linear": {"units": 3}}]}
    assert problems(model=model) == ["model.input (data.train): expected [4], the shape of a sample, got [5]",
                                     "model.input (data.eval): expected [4], the shape of a sample, got [5]"]


def test_labels_beyond_the_models_classes(problems):
    assert problems(model={"input": [4], "layers": [{"linear": {"units": 2}}]}) == [
        f"loss (data.{part}): expected labels 0 … 1, as the model ends in 2 classes, got 2; end the model in linear: {{units: 3}}; "
        f"first seen in sample {place}" for part, place in (("train", 1), ("eval", 0))]


def test_targets_of_another_shape_than_the_output(problems):
    found = problems(loss="mse", metrics=[])
    assert found[0] == "loss (data.train): expected targets of the output's shape (3,), got ()"


def test_many_problems_come_at_once(problems):
    found = problems(name="a b", epochs=-1, batch_size=None, loss="mze", optimizer={"sgd": {"momentum": 2}}, metrics=["g1"], seedd=1,
                     model={"input": [4], "layers": [{"linear": {}}, 7]}, data={"train": {"npz": {"path": "../x"}}})
    assert sorted(text.partition(":")[0] for text in found) == [
        "batch_size", "data.train.npz.path", "epochs", "loss", "metrics[0]", "model.layers[0].linear.units", "model.layers[1]",
        "name", "optimizer.sgd.momentum", "seedd"]


@pytest.mark.parametrize("replaced", [
    {"batch_size": "many"}, {"epochs": -1}, {"name": 5}, {"loss": 5}, {"optimizer": []}, {"data": {"train": 5}}, {"data": 5},
    {"metrics": [5]}, {"model": 5}, {"model": {"input": "4", "layers": [{"linear": {"units": 3}}]}}, {"ranks": "x", "logical_shards": "y"},
    {"model": {"input": [4], "layers": [{"linear": {"units": 3}}, 5]}},
], ids=str)
def test_what_follows_from_an_unreadable_field_is_not_told_again(problems, replaced):
    fields = [text.partition(":")[0] for text in problems(**replaced)]
    assert len(fields) == len(set(fields)) == len(jobfile.parse(replaced)[1])


def test_what_follows_from_an_unreadable_number_of_a_shape_is_not_told_again(problems):
    layers = [{"conv2d": {"filters": 2, "kernel": 3}}, "flatten", {"linear": {"units": 3}}]
    assert problems(model={"input": [8, "x", 1], "layers": layers}) == ['model.input[1]: expected an integer from 0 to 4294967295, got "x"']
