"""jsonl: one object a line; lines that are not like the first one are named."""

import json

import numpy as np
import pytest

from bpcore.fields import Field
from worker.datasets import FORMATS, DataRoot

LINES = [{"x": [[i, 1.5], [2, 3]], "label": "ab"[i % 2], "n": i, "z": i / 2} for i in range(10)]


@pytest.fixture
def opened(tmp_path):
    def open(lines=LINES, learned={}, **attributes):
        (tmp_path / "t.jsonl").write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return FORMATS.build({"jsonl": {"path": "t.jsonl"} | attributes}).open_with(DataRoot(tmp_path), learned)

    return open


def test_keys_are_fields(opened):
    data = opened()
    batch = data.read(np.array([3, 0]))
    assert data.fields == {"x": Field((2, 2)), "label": Field((), True, 2, 0), "n": Field((), True, 10, 0), "z": Field(())}
    assert batch["x"].tolist() == [[[3, 1.5], [2, 3]], [[0, 1.5], [2, 3]]] and batch["label"].tolist() == [1, 0] and batch["n"].tolist() == [3, 0]


def test_fields_may_be_chosen(opened):
    assert set(opened(fields=["z", "label"]).fields) == {"z", "label"}


@pytest.mark.parametrize(("line", "text"), [
    ("{", "expected JSON, but Expecting property name enclosed in double quotes at 2"), ("[1]", "expected an object with keys, got [1]"),
    (LINES[0] | {"x": [[1, 2], [3]]}, '"x": expected numbers [2, 2], as in the first line'),
    (LINES[0] | {"n": 1.5}, '"n": expected an integer, as in the first line, got 1.5'),
    (LINES[0] | {"n": 2 ** 63}, '"n": expected integers below 2⁶³, got 9223372036854775808; write longer ones as text'),
    (LINES[0] | {"n": "3"}, '"n": expected an integer, as in the first line, got "3"'),
    (LINES[0] | {"label": 3}, '"label": expected text, as in the first line, got 3'),
    (LINES[0] | {"z": None}, '"z": expected a number, as in the first line'),
    ({"x": LINES[0]["x"], "n": 1, "z": 2}, 'expected "label", as the first line has it, but it is missing'),
])
def test_a_line_that_does_not_fit_is_named_or_left_out(opened, refused, line, text):
    (found,) = refused(lambda: opened([*LINES[:4], line, *LINES[4:]]))
    assert found.startswith("path: t.jsonl, line 5: " + text)
    data = opened([*LINES[:4], line, *LINES[4:]], on_bad="skip")
    assert (len(data), data.skipped) == (10, 1) and data.read(np.arange(10))["n"].tolist() == list(range(10))


def test_integers_where_the_first_line_has_them_are_wanted(opened, refused):
    assert refused(lambda: opened([{"x": [1, 2]}, {"x": [1, 2.5]}])) == [
        'path: t.jsonl, line 2: "x": expected integers [2], as in the first line, got [1, 2.5]']


def test_what_is_predicted_is_as_the_training_data_was(opened, refused):
    """Answers may lack; other keys are not looked at, and whole numbers are what they were."""
    learned = json.loads(json.dumps(opened().learned))
    new = [{"id": f"row {i}", "z": i, "x": [[i, 1], [2, 3]]} for i in range(3)]
    data = opened(new, learned)
    assert data.fields == {"x": Field((2, 2)), "z": Field(())} and data.read(np.arange(3))["z"].dtype == np.float32
    assert data.read(np.arange(3))["z"].tolist() == [0, 1, 2] and opened(LINES, learned).fields == opened().fields
    assert refused(lambda: opened([*new, {"x": [[1, 1], [2, 3]]}], learned)) == [
        'path: t.jsonl, line 4: expected "z", as the first line has it, but it is missing']
    assert refused(lambda: opened([{"id": 3}], learned)) == [
        'path: t.jsonl, line 1: expected some of x, label, n, z, as the training data has them, got "id"']


def test_a_class_that_the_training_data_lacks_is_refused(opened, refused):
    learned = opened(LINES[:1]).learned
    assert refused(lambda: opened(LINES, learned)) == ['path: "label": expected classes of the training data (a), got "b"']
