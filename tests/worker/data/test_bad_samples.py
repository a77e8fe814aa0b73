"""Samples that cannot be had, met at a step: named by file, or left out and counted, on any number of ranks."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from bpcore.model import Model
from bptrain.v1.report_pb2 import AttemptEnded
from tests.worker.datasets import files
from worker.comm.watch import Unwatched
from worker.comm.alone import Alone
from worker.errors import TrainingFailed
from worker.evaluate import evaluate
from worker.jobs import checks, jobfile
from worker.record import journal
from worker.vote import Voter

pytest.importorskip("PIL", reason="needs Pillow: pip install 'bptrain[images]'")
BAD = "train/b/5.png: expected a whole picture, but it cannot be decoded: "


@pytest.fixture
def folder(tmp_path):
    """`folder(on_bad, …)`: a job on pictures; one for training, or for evaluation, is cut short."""

    def make(bad="train", on_bad="fail", **replaced):
        for part, count in (("train", 40), ("test", 12)):
            for i, pixels in enumerate(files.pixels(count, 4, 4)):
                files.picture(tmp_path / part / "ab"[i % 2] / f"{i}.png", pixels)
        path = tmp_path / bad / "b" / "5.png"
        path.write_bytes(path.read_bytes()[:60])
        data = {name: {"images": {"path": part, "color": "gray", "on_bad": on_bad}} for name, part in (("train", "train"), ("eval", "test"))}
        plain = {"name": "pictures", "data": data, "model": {"input": [4, 4, 1], "layers": ["flatten", {"linear": {"units": 2}}]},
                 "loss": "softmax_cross_entropy", "optimizer": {"sgd": {"learning_rate": 0.1}}, "batch_size": 8, "epochs": 2, "seed": 3,
                 "logical_shards": 4, "ranks": 1, "recovery": {"keep_s": 1}} | replaced
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(plain))
        return tmp_path

    return make


def ended(folder, run="run"):
    return list(journal.read(folder / run / "journal"))[-1].ended


def test_a_truncated_picture_ends_the_training_on_all_ranks_and_is_named(folder, mpirun):
    made = folder()
    process = mpirun(2, "-m", "worker", "job.yaml", "--run-dir", "run", cwd=made)
    cause = ended(made).cause
    assert process.returncode == 1 and ended(made).outcome == AttemptEnded.OUTCOME_FAILED
    assert cause.startswith("step ") and BAD in cause and cause.endswith("; mend it, or leave such samples out: on_bad: skip")
    assert "Traceback" not in process.stderr and str(made) not in cause


@pytest.mark.slow
def test_it_is_left_out_and_counted_with_the_same_bits_on_any_number_of_ranks(folder, mpirun):
    made = folder(on_bad="skip")
    runs = [mpirun(ranks, "-m", "worker", "job.yaml", "--run-dir", f"run-{ranks}", cwd=made) for ranks in (1, 3)]
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    one, three = (ended(made, f"run-{ranks}") for ranks in (1, 3))
    assert one.digest == three.digest and (one.skipped, three.skipped) == (2, 2)  # once in each epoch
    assert "2 samples could not be read and were left out" in runs[0].stdout


@pytest.mark.slow
def test_it_changes_nothing_that_the_picture_was_there_before(folder, worker):
    """Leaving a sample out is the same as the step without it: every step's count is one less."""
    made = folder(on_bad="skip", logical_shards=1, batch_size=40, epochs=1)
    assert worker("job.yaml", "--run-dir", "run").returncode == 0
    whole = next(report.points for report in journal.read(made / "run" / "journal") if report.HasField("points"))
    os.remove(made / "train" / "b" / "5.png")
    assert worker("job.yaml", "--run-dir", "without").returncode == 0
    without = next(report.points for report in journal.read(made / "without" / "journal") if report.HasField("points"))
    assert np.isclose(whole.columns[0].values[0], without.columns[0].values[0], rtol=1e-6)


@pytest.mark.slow
def test_a_bad_picture_in_the_evaluation_is_named_or_left_out(folder, worker):
    made = folder(bad="test")
    assert worker("job.yaml", "--run-dir", "run").returncode == 1
    assert ended(made).cause.startswith("evaluation: test/b/5.png: expected a whole picture")
    folder(bad="test", on_bad="skip")
    assert worker("job.yaml", "--run-dir", "skipping").returncode == 0


def test_a_picture_that_has_changed_meanwhile_is_to_be_put_back_not_left_out(folder):
    """It is as good as before; only, it is not what the training began with."""
    made = folder()
    job = checks.check(jobfile.read(made / "job.yaml")[0], made)
    model = Model(job.maths)
    stepper = SimpleNamespace(mine=[0], shards=1, voter=Voter(Alone(), 1, model.row_width), crew=SimpleNamespace(comm=Alone()))
    os.utime(made / "test" / "b" / "5.png", ns=(0, 0))
    with pytest.raises(TrainingFailed) as error:
        evaluate(model, model.initialize(1), job.eval, 40, stepper, Unwatched())
    assert str(error.value) == ("evaluation: test/b/5.png: expected a file that stays as it is while it is trained on, but it has changed; "
                                "put back what the training began with and go on from there, or train anew")


def test_a_label_that_no_class_has_is_named(folder, tmp_path, worker):
    """One that is looked past at submit, since it is not the largest: `ignored` stands above it."""
    y = np.arange(40) % 2
    y[7], y[9] = 5, 9
    np.savez(tmp_path / "train.npz", x=np.ones((40, 4, 4, 1), np.float32), y=y)
    made = folder(data={"train": {"npz": {"path": "train.npz"}}}, loss={"softmax_cross_entropy": {"ignored": 9}})
    assert worker("job.yaml", "--run-dir", "run").returncode == 1
    assert 'the data\'s field "y" holds the label 5, but labels go from 0 to 1' in ended(made).cause


def test_a_file_that_changes_while_it_is_trained_on_is_named(tmp_path, worker, until, background, tiny):
    """Without an end of its own; a small set is looked at again behind each epoch."""
    files.idx(tmp_path / "x", files.pixels(60, 3, 3))
    files.idx(tmp_path / "y", (np.arange(60) % 2).astype(np.uint8))
    model = {"input": [3, 3, 1], "layers": ["flatten", {"linear": {"units": 2}}]}
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(tiny(data={"train": {"idx": {"images": "x", "labels": "y"}}}, model=model, epochs=2**32 - 1)))
    run = background.submit(worker, "job.yaml", "--run-dir", "run")
    until(lambda: (tmp_path / "run" / "journal").exists() and any(report.HasField("points") for report in journal.read(tmp_path / "run" / "journal")))
    os.truncate(tmp_path / "x", 100)
    done = run.result()
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "x: expected a file that stays as it is while it is trained on, but it has changed" in ended(tmp_path).cause
