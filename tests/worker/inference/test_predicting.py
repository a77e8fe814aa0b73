"""Predicting from a run's folder: with what was learned in training, without its data, and without answers."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from bpcore.errors import InvalidInput
from coordinator.cli.predict import command
from tests.worker.datasets import files
from worker.inference.answers import Answers
from worker.inference.predicting import Predictor
from worker.jobs import checks, jobfile
from worker.record.rundir import RunDir

pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'bptrain[tables]'")
ROWS = [{"age": i % 7, "dose": 5 * (i % 5), "town": ("aix", "bonn", "cork")[i % 3], "ill": ("no", "yes")[i % 7 > 3], "ward": i % 4}
        for i in range(60)]
TABLE = {"csv": {"path": "all.csv", "target": "ill", "group": "ward", "split": "train"}}


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run in `run`."""
    folder = tmp_path_factory.mktemp("predict")
    write(folder / "all.csv", ROWS)
    (folder / "job.yaml").write_text(yaml.safe_dump({
        "name": "ill", "data": {"train": TABLE, "eval": {"csv": TABLE["csv"] | {"split": "test"}},
                                "transforms": ["standardise", {"one_hot": {"field": "town", "into": "x"}}, {"noise": {"stddev": 0.01}}]},
        "model": {"input": [6], "layers": [{"linear": {"units": 8}}, "relu", {"linear": {"units": 2}}]},
        "loss": "softmax_cross_entropy", "metrics": ["accuracy"], "optimizer": {"adam": {"learning_rate": 0.05}},
        "batch_size": 10, "epochs": 40, "seed": 3, "logical_shards": 1, "ranks": 1, "recovery": {"keep_s": 1}}))
    subprocess.run([sys.executable, "-m", "worker", "job.yaml", "--run-dir", "run"], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def predicted(folder, *arguments):
    found = CliRunner().invoke(command, [str(folder / "run"), *map(str, arguments), "--data-root", str(folder)])
    assert found.exit_code == 0, found.output + repr(found.exception)
    return list(csv.DictReader(found.output.splitlines()))


def test_new_rows_without_answers_get_a_class_by_name(folder):
    rows = [{name: row[name] for name in ("town", "dose", "age", "ward")} for row in ROWS[:21]]
    write(folder / "new.csv", [{name: row[name] for name in ("age", "dose", "town", "ward")} for row in rows])
    found = predicted(folder, "new.csv")
    assert [row["class"] for row in found] == [row["ill"] for row in ROWS[:21]]
    assert all(0.5 <= float(row["probability"]) <= 1 for row in found) and [int(row["sample"]) for row in found] == list(range(21))


def test_a_row_alone_gets_the_same_answer(folder):
    """Means, and which town is which number, are of the training, not of the file."""
    write(folder / "all_of_them.csv", ROWS)
    write(folder / "one.csv", ROWS[8:9])
    whole = predicted(folder, "all_of_them.csv", "--batch-size", 7)
    assert [row["class"] for row in whole] == [row["ill"] for row in ROWS]
    one, = predicted(folder, "one.csv")
    assert (one["class"], float(one["probability"])) == (whole[8]["class"], pytest.approx(float(whole[8]["probability"]), rel=1e-5))


def test_held_out_samples_are_predicted_as_they_are_evaluated(folder):
    job = checks.check(jobfile.read(folder / "job.yaml")[0], folder)
    predictor = Predictor.of(RunDir(folder / "run"))
    batch = job.eval.read(np.arange(len(job.eval)))
    wanted = predictor.model.predict(predictor.parameters, batch)
    (indices, found), = predictor.outputs(predictor.open("eval", folder), 1000)
    assert found.tobytes() == wanted.tobytes() and len(indices) == len(job.eval)


def test_plain_outputs_go_to_npy_and_other_data_sets_are_named_as_in_a_job_file(folder):
    predicted(folder, "{csv: {path: all.csv, target: ill, group: ward}}", "--output", folder / "out.npy")
    predicted(folder, "all.csv", "--output", folder / "out.csv")
    scores, rows = np.load(folder / "out.npy"), list(csv.DictReader((folder / "out.csv").read_text().splitlines()))
    assert scores.shape == (60, 2) and [row["class"] for row in rows] == [("no", "yes")[i] for i in scores.argmax(axis=1)]


@pytest.mark.parametrize(("data", "text"), [
    ("none.csv", 'path: expected a file or folder inside the data root, got "none.csv"; there is none of that name'),
    ("{csv: {", "data: expected a path, train, eval, or a data set such as {npz: {path: new.npz}}"),
    ("bad.csv", 'inputs: unknown column "dose"; known: age, ill, town'),
])
def test_data_that_does_not_fit_is_refused(folder, refused, data, text):
    write(folder / "bad.csv", [{"age": 1, "town": "aix", "ill": "no"}])
    assert refused(lambda: Predictor.of(RunDir(folder / "run")).open(data, folder)) == [text]


# Answers.


def test_ctc_joins_repeats_and_drops_blanks():
    steps = np.eye(3)[[[1, 1, 0, 1, 2, 2]]]
    answers = Answers("ctc", (6, 3), {"characters": ["a", "b"]})
    assert (answers.columns, list(answers.rows(steps))) == (["text"], [["aab"]])


def test_labels_without_names_are_numbers_and_numbers_stay_numbers():
    scores = np.array([[0.0, 2.0, 1.0]], np.float32)
    assert list(Answers("softmax_cross_entropy", (3,), {}).rows(scores)) == [[1, "0.665241"]]  # e² / (1 + e + e²)
    mse = Answers("mse", (3,), {})
    assert (mse.columns, list(mse.rows(scores))) == (["output_0", "output_1", "output_2"], [["0", "2", "1"]])
    assert list(Answers("sigmoid_cross_entropy", (1,), {}).rows(np.zeros((2, 1), np.float32))) == [["0.5"], ["0.5"]]


def test_more_numbers_than_columns_can_show_ask_for_another_file():
    with pytest.raises(InvalidInput, match="output: expected a file that ends in .npy for more than 1000 numbers a sample, got 4096"):
        Answers("sigmoid_cross_entropy", (64, 64, 1), {})


def test_pictures_without_classes_can_be_predicted(tmp_path):
    pytest.importorskip("PIL", reason="needs Pillow: pip install 'bptrain[images]'")
    from worker.datasets import FORMATS, DataRoot

    pixels = files.pixels(4, 5, 5)
    for i, array in enumerate(pixels):
        files.picture(tmp_path / "set" / "ab"[i % 2] / f"{i}.png", array)
        files.picture(tmp_path / "new" / f"{i}.png", array)
    format = FORMATS.build({"images": {"path": "set", "color": "gray", "split": "train", "test_fraction": 0.5}})
    learned = {"classes": ["a", "b"]}
    data = format.elsewhere("new").open_with(DataRoot(tmp_path), learned)
    assert set(data.fields) == {"x"} and (data.read(np.arange(4))["x"][..., 0] * 255).round().tolist() == pixels.tolist()
    assert len(format.elsewhere("new/2.png").open_with(DataRoot(tmp_path), learned)) == 1


def test_texts_without_classes_can_be_predicted(tmp_path):
    """As files in a folder, and as lines of one, which are read as those of the training."""
    from worker.datasets import FORMATS, DataRoot

    for name, words in (("set/a/0.txt", "aab"), ("set/b/0.txt", "bba"), ("new/0.txt", "abz"), ("new/1.txt", "b")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(words)
    (tmp_path / "lines.txt").write_text("abz\nb")
    format = FORMATS.build({"text": {"path": "set", "task": "class", "length": 4}})
    trained = format.open(DataRoot(tmp_path))
    folder, lines = (format.elsewhere(name).open_with(DataRoot(tmp_path), trained.learned) for name in ("new", "lines.txt"))
    assert set(folder.fields) == set(lines.fields) == {"x", "mask"} and len(lines) == 2
    assert folder.read(np.arange(2))["x"].tolist() == [[4, 5, 1, 0], [5, 0, 0, 0]]
    assert lines.read(np.arange(2))["x"].tolist() == folder.read(np.arange(2))["x"].tolist()


def test_lines_of_json_need_no_answer(tmp_path):
    lines = [{"dose": [i / 10, 1.5], "ill": ("no", "yes")[i > 10]} for i in range(20)]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    trained(tmp_path, {"jsonl": {"path": "all.jsonl"}}, model={"inputs": {"dose": {"shape": [2]}}, "layers": [{"linear": {"units": 2}}]},
            losses=[{"loss": "softmax_cross_entropy", "target": "ill"}], loss=None)
    (tmp_path / "new.jsonl").write_text(json.dumps({"id": "a", "dose": [0, 1]}) + "\n" + json.dumps({"dose": [2.5, 1]}) + "\n")
    assert [row["class"] for row in predicted(tmp_path, "new.jsonl")] == ["no", "yes"]


@pytest.mark.parametrize("component", [{"csv": {"path": "all.csv", "target": "ill"}}, {"npz": {"path": "all.npz"}}], ids=["a format that knows of parts", "one that does not"])
def test_of_a_fold_what_it_was_trained_on_or_held_out_can_be_predicted(tmp_path, component):
    write(tmp_path / "all.csv", [{"age": row["age"], "dose": row["dose"], "day": i, "ill": row["ill"]} for i, row in enumerate(ROWS)])
    np.savez(tmp_path / "all.npz", x=np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32), y=np.arange(40) % 2)
    trained(tmp_path, component, folds=4, fold=2, model={"input": [3], "layers": [{"linear": {"units": 2}}]}, loss="softmax_cross_entropy")
    spec, _ = jobfile.read(tmp_path / "run" / "job.json")
    job = checks.check(spec, tmp_path)
    for name, data in (("train", job.train), ("eval", job.eval)):
        opened = Predictor.of(RunDir(tmp_path / "run")).open(name, tmp_path)
        assert len(predicted(tmp_path, name)) == len(data) and np.array_equal(opened.read(np.arange(len(data)))["x"], data.read(np.arange(len(data)))["x"])


def trained(folder, component, **replaced):
    """A short run in `run`."""
    plain = {"name": "some", "data": {"train": component}, "optimizer": {"adam": {"learning_rate": 0.1}}, "batch_size": 10, "epochs": 10, "seed": 3,
             "logical_shards": 1, "ranks": 1, "recovery": {"keep_s": 1}} | replaced
    (folder / "job.yaml").write_text(yaml.safe_dump({key: value for key, value in plain.items() if value is not None}))
    done = subprocess.run([sys.executable, "-m", "worker", "job.yaml", "--run-dir", "run"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
