"""What a job's model writes behind each epoch: told to people, the same on any number of ranks, and no bit of the training."""

import numpy as np
import pytest
import yaml

from worker.record import journal

LENGTH, UNITS = 8, 7  # 4 that are no text, and a, b, c
LAYERS = [{"embedding": {"vocabulary": UNITS, "units": 8}}, {"linear": {"units": UNITS}}]
SAMPLE = {"prompt": "a", "length": 9, "temperature": 0}


@pytest.fixture
def asked(tmp_path, tiny):
    """`asked(sample={…}, …)`: a job on `abcabc…`, with some keys replaced."""
    (tmp_path / "abc.txt").write_text("abc" * 600)
    model = {"inputs": {"text": {"shape": [LENGTH], "integer": True, "field": "x"}}, "layers": LAYERS}
    data = {"train": {"text": {"path": "abc.txt", "task": "next", "length": LENGTH}}}
    return lambda **replaced: tiny(data=data, model=model, batch_size=24, optimizer={"adam": {"learning_rate": 0.05}}, **replaced)


@pytest.mark.slow
def test_it_is_written_behind_each_epoch_whoever_trains_and_changes_nothing(asked, tmp_path, mpirun):
    ended, texts, said = [], [], []
    for ranks, sample in ((1, SAMPLE), (2, SAMPLE), (1, None)):
        run = f"run-{ranks}-{bool(sample)}"
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(asked(sample=sample, epochs=8)))
        done = mpirun(ranks, "-m", "worker", "job.yaml", "--run-dir", run, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        reports = list(journal.read(tmp_path / run / "journal"))
        ended.append(reports[-1].ended.digest)
        texts.append([(report.sample.step, report.sample.prompt + report.sample.text) for report in reports if report.HasField("sample")])
        said.append(done.stdout)
    assert len(set(ended)) == 1 and texts[2] == [] and texts[0] == texts[1]
    assert [step for step, _ in texts[0]] == [10 * epoch for epoch in range(1, 9)] and texts[0][-1] == (80, "abcabcabca")
    assert all('sample of step 80: "abcabcabca"' in text for text in said[:2]) and "sample of" not in said[2]  # a slow machine tells its samples/s


@pytest.mark.parametrize(("sample", "problem"), [
    ({"prompt": "xyz"}, 'sample.prompt: expected text of units that are in the training data, got "xyz"'),
    ({"prompt": "a", "length": 10_001}, "sample.length: expected at most 10000, got 10001"),
    ({"prompt": "a", "temperature": -1}, "sample.temperature: expected a non-negative number, got -1"),
], ids=str)
def test_what_cannot_be_written_is_refused(asked, checked, refused, sample, problem):
    assert refused(lambda: checked(**asked(sample=sample))) == [problem]


def test_a_model_of_something_else_is_refused(checked, refused):
    assert refused(lambda: checked(sample={})) == [
        "sample.model: expected one input of integers (length,), and softmax_cross_entropy of scores (length, vocabulary), "
        'got "[[4]], softmax_cross_entropy of [3]"']


def test_a_model_that_looks_ahead_is_refused_before_the_first_step(asked, tmp_path, worker):
    seeing = [LAYERS[0], {"multi_head_attention": {"heads": 2}}, LAYERS[1]]
    job = asked(sample=SAMPLE)
    job["model"]["layers"] = seeing
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
    done = worker("job.yaml", "--run-dir", "run")
    assert done.returncode == 2 and "sample.model: expected outputs that come of what is before them alone (causal: true)" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_not_said_has_a_default(checked, asked):
    job = checked(**asked(sample={"prompt": "b"}))
    assert (job.spec.sample.prompt, job.spec.sample.length) == ("b", 120) and np.isclose(job.spec.sample.temperature, 0.8)
