"""`stratify: true`: in each format that knows classes, training and test have of each class their share."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.worker.datasets import files
from worker.datasets import FORMATS, DataRoot

CLASSES = ["rare"] * 4 + ["usual"] * 16  # a fourth is held out: one, and four
FORMATS_WITH_CLASSES = {
    "csv": {"path": "t.csv", "target": "kind"}, "jsonl": {"path": "t.jsonl"}, "idx": {"images": "x.idx", "labels": "y.idx"},
    "images": {"path": "images"}, "wav": {"path": "wav", "seconds": 0.1, "rate": 8000},
    "text": {"path": "lines.txt", "task": "class", "length": 4}}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    (folder / "t.csv").write_text("dose,kind\n" + "".join(f"{i},{name}\n" for i, name in enumerate(CLASSES)))
    (folder / "t.jsonl").write_text("".join(json.dumps({"x": [i], "y": name}) + "\n" for i, name in enumerate(CLASSES)))
    (folder / "lines.txt").write_text("".join(f"{name}\tsome text\n" for name in CLASSES))
    files.idx(folder / "x.idx", files.pixels(20, 2, 2))
    files.idx(folder / "y.idx", np.array([name == "usual" for name in CLASSES], np.uint8))
    for i, name in enumerate(CLASSES):
        files.sound(folder / "wav" / name / f"{i}.wav", files.tone(400, 0.05))
        try:
            files.picture(folder / "images" / name / f"{i}.png", files.pixels(1, 4, 4, seed=i)[0])
        except ImportError:
            pass  # that case is skipped
    return DataRoot(folder)


@pytest.mark.parametrize("kind", FORMATS_WITH_CLASSES)
def test_the_test_part_has_its_share_of_each_class(root, kind):
    pytest.importorskip({"csv": "pyarrow", "images": "PIL", "wav": "soundfile"}.get(kind, "numpy"))
    for seed in range(3):
        asked = FORMATS_WITH_CLASSES[kind] | {"test_fraction": 0.25, "split_seed": seed, "stratify": True}
        train = FORMATS.build({kind: asked | {"split": "train"}}).open(root)
        test = FORMATS.build({kind: asked | {"split": "test"}}).open_with(root, train.learned)
        assert [np.bincount(part.read(np.arange(len(part)))["y"]).tolist() for part in (train, test)] == [[3, 12], [1, 4]]


def test_scikit_learn_s_sets_too(refused):
    asked = {"name": "wine", "split": "test", "test_fraction": 0.1, "stratify": True}
    data = FORMATS.build({"sklearn": asked}).open(DataRoot(Path()))
    assert np.bincount(data.read(np.arange(len(data)))["y"]).tolist() == [6, 7, 5]  # of 59, 71, 48
    assert refused(lambda: FORMATS.build({"sklearn": asked | {"name": "diabetes"}}).open(DataRoot(Path()))) == [
        "stratify: expected classes, but this data has none; leave it out"]


@pytest.mark.parametrize(("kind", "attributes", "problem"), [
    ("csv", {"path": "t.csv", "inputs": ["dose"]}, "stratify: expected classes, but this data has none; leave it out"),
    ("windows", {"path": "t.csv", "inputs": ["dose"], "length": 2}, "stratify: expected none, as windows are split in the order of time; leave it out"),
])
def test_data_without_classes_is_refused(root, refused, kind, attributes, problem):
    pytest.importorskip("pyarrow")
    assert refused(lambda: FORMATS.build({kind: attributes | {"split": "train", "stratify": True}}).open(root)) == [problem]
