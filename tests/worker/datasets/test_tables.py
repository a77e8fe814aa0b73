"""csv and parquet: written by Python's own module and by pyarrow; both read the same."""

import csv
import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from bpcore.fields import Field
from worker.datasets import FORMATS, DataRoot
from worker.sources.split import Fold

pa = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'bptrain[tables]'")
from pyarrow import parquet  # noqa: E402

ROWS = [{"age": i, "dose": i / 4, "town": "abc"[i % 3], "ill": i % 2, "patient": i // 3, "score": -i} for i in range(30)]


def write_csv(path, rows, **options):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], **options)
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(path, rows):
    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=7)


@pytest.fixture(params=["csv", "parquet"])
def opened(request, tmp_path):
    """`opened(rows, …)`: rows written and opened, as CSV and as Parquet."""

    def open(rows=ROWS, learned={}, **attributes):
        {"csv": write_csv, "parquet": write_parquet}[request.param](tmp_path / f"t.{request.param}", rows)
        return FORMATS.build({request.param: {"path": f"t.{request.param}"} | attributes}).open_with(DataRoot(tmp_path), learned)

    open.file = f"t.{request.param}"
    return open


def everything(data):
    return data.read(np.arange(len(data)))


def test_numbers_stand_side_by_side_and_text_is_a_field_of_its_own(opened):
    data = opened(inputs=["dose", "age", "town"], target="ill")
    batch = everything(data)
    assert data.fields == {"x": Field((2,)), "town": Field((), True, 4, 0), "y": Field((), True, 2, 0)}
    assert batch["x"].tolist() == [[row["dose"], row["age"]] for row in ROWS] and batch["y"].tolist() == [row["ill"] for row in ROWS]
    assert batch["town"].tolist() == [1 + "abc".index(row["town"]) for row in ROWS]


def test_all_other_columns_are_inputs_by_default(opened):
    data = opened(target="ill", weight="dose", group="patient")
    assert everything(data)["x"].tolist() == [[row["age"], row["score"]] for row in ROWS]
    assert everything(data)["weight"].tolist() == [row["dose"] for row in ROWS]


def test_several_targets_are_numbers_side_by_side(opened):
    data = opened(inputs=["age"], target=["dose", "score"])
    assert data.fields["y"] == Field((2,)) and everything(data)["y"].tolist() == [[row["dose"], row["score"]] for row in ROWS]


def test_text_as_the_target_is_a_class(opened):
    data = opened(inputs=["age"], target="town")
    assert data.fields["y"] == Field((), True, 3, 0) and everything(data)["y"].tolist() == ["abc".index(row["town"]) for row in ROWS]


def test_a_group_stays_on_one_side(opened):
    train, test = (everything(opened(inputs=["age"], target="patient", group="patient", split=split))["y"] for split in ("train", "test"))
    assert not set(train) & set(test) and len(set(test)) == 2 and len(train) + len(test) == 30


def test_a_column_of_text_may_be_the_group_and_an_input_or_the_target(opened):
    rows = [row | {"town": "abcdefghij"[row["patient"]]} for row in ROWS]
    asked = {"inputs": ["age", "town"], "target": "ill", "group": "town"}
    train = opened(rows, **asked, split="train")
    towns = train.learned["texts"]["town"]
    assert len(towns) == 8 and train.fields["town"] == Field((), True, 9, 0)
    assert everything(train)["town"].tolist() == [1 + towns.index(row["town"]) for row in rows if row["town"] in towns]
    assert set(everything(opened(rows, train.learned, **asked, split="test"))["town"]) == {0}
    assert opened(rows, inputs=["age"], target="town", group="town", split="train").learned["classes"] == towns


@pytest.mark.parametrize(("attributes", "problem"), [
    ({"inputs": ["age", "y"]}, 'inputs: expected another name for the column of text "y", as a field is called so; rename it'),
    ({"inputs": ["age"], "target": ["dose", "town"]}, 'target: expected numbers in several targets, but "town" is text; give one target for a class'),
    ({"inputs": ["age"], "weight": "town"}, 'weight: expected numbers, but "town" is text'),
], ids=str)
def test_text_where_it_cannot_be_is_refused(opened, refused, attributes, problem):
    rows = [row | {"y": row["town"], "group": row["town"]} for row in ROWS]
    assert refused(lambda: opened(rows, **attributes)) == [problem]
    assert set(opened(rows, inputs=["age", "group"], group="group").fields) == {"x", "group"}


def test_an_empty_cell_is_named_unless_it_is_said_what_to_do(opened, refused):
    rows = [row | {"dose": None if i in (4, 9) else row["dose"]} for i, row in enumerate(ROWS)]
    assert refused(lambda: opened(rows, target="ill")) == [
        f'path: {opened.file}, row 5: expected a finite number in "dose", but there is none; say what to do: missing: drop, mean or zero']
    assert len(opened(rows, target="ill", missing="drop")) == 28
    assert everything(opened(rows, inputs=["dose"], missing="zero"))["x"][[4, 9], 0].tolist() == [0, 0]


def test_an_empty_cell_of_text_is_as_the_policy_says_too(opened, refused):
    rows = [row | {"town": None if i in (4, 9) else row["town"]} for i, row in enumerate(ROWS)]
    advice = "; say what to do: missing: drop, mean or zero"
    assert refused(lambda: opened(rows, target="ill")) == [f'path: {opened.file}, row 5: expected text in "town", but there is none{advice}']
    zero, dropped = (opened(rows, inputs=["age", "town"], missing=missing) for missing in ("zero", "drop"))
    assert np.flatnonzero(everything(zero)["town"] == 0).tolist() == [4, 9] and zero.learned["texts"]["town"] == ["a", "b", "c"]
    assert (len(dropped), dropped.skipped) == (28, 2) and set(everything(dropped)["town"]) == {1, 2, 3}
    assert refused(lambda: opened(rows, inputs=["age"], target="town", missing="drop")) == [
        f'path: {opened.file}, row 5: expected text in "town", but there is none']


def test_an_infinite_number_is_none_that_a_policy_could_fill(opened, refused):
    rows = [row | {"dose": float("inf") if i == 4 else row["dose"]} for i, row in enumerate(ROWS)]
    assert refused(lambda: opened(rows, inputs=["dose"], missing="mean"))[0].startswith(f'path: {opened.file}, row 5: expected a finite number')


def test_the_mean_is_that_of_the_training_part(opened):
    rows = [row | {"dose": None if i % 5 == 0 else row["dose"]} for i, row in enumerate(ROWS)]
    train = opened(rows, inputs=["dose", "age"], missing="mean", split="train")
    test = opened(rows, train.learned, inputs=["dose", "age"], missing="mean", split="test")
    ages = everything(train)["x"][:, 1].astype(int)
    mean = np.mean([rows[age]["dose"] for age in ages if rows[age]["dose"] is not None])
    for data in (train, test):
        x = everything(data)["x"]
        assert np.allclose(x[x[:, 1] % 5 == 0, 0], mean) and (x[:, 1] % 5 == 0).any()


def test_text_that_the_training_part_lacks_is_0_and_a_class_is_refused(opened, refused):
    held_out = [row | {"town": "z"} if i == 7 else row for i, row in enumerate(ROWS)]
    learned = opened(inputs=["town", "age"], target="ill").learned
    assert everything(opened(held_out, learned, inputs=["town", "age"], target="ill"))["town"][7] == 0
    classes = opened(inputs=["age"], target="town").learned
    assert refused(lambda: opened(held_out, classes, inputs=["age"], target="town")) == [
        f'path: {opened.file}, row 8: expected a class of the training data (a, b, c), got "z"']


def test_columns_of_other_data_are_found_by_name(opened, refused):
    """Where all others are inputs, too: not by their place, which in another file may be another."""
    asked = {"target": "ill", "group": "patient"}
    learned = json.loads(json.dumps(opened(**asked).learned))
    new = [{"id": "new", **dict(reversed(row.items()))} for row in ROWS]
    data = opened(new, learned, **asked)
    assert everything(data)["x"].tolist() == [[row["age"], row["dose"], row["score"]] for row in ROWS] and set(data.fields) == {"x", "town", "y"}
    assert refused(lambda: opened([{"age": 1, "dose": 2, "town": "a"}], learned, **asked)) == [
        'inputs: unknown column "score"; known: age, dose, town']
    assert set(opened([{name: row[name] for name in ("score", "age", "dose")} for row in ROWS], learned, **asked).fields) == {"x"}


def test_a_column_of_other_data_is_of_the_kind_that_the_training_data_has(opened, refused):
    learned = opened(inputs=["dose", "town"]).learned
    rows = [{"dose": 1, "town": "a"}, {"dose": "x", "town": "b"}] if opened.file == "t.csv" else [{"dose": "x", "town": "a"}]
    assert refused(lambda: opened(rows, learned)) == [
        f'inputs: expected numbers in "dose", as the training data has there; "dose" is text, as "x" in {opened.file}, row {len(rows)}']
    rows = [{"dose": 1, "town": 7}]
    if opened.file == "t.csv":  # says nothing of what it holds
        assert everything(opened(rows, learned))["town"].tolist() == [0]
    else:
        assert refused(lambda: opened(rows, learned)) == ['inputs: expected text in "town", as the training data has there, got numbers']


def test_a_column_that_is_not_there_is_named_with_all_there_are(opened, refused):
    assert refused(lambda: opened(inputs=["agee"], target="il")) == [
        'inputs: unknown column "agee"; did you mean age? known: age, dose, ill, patient, score, town',
        'target: unknown column "il"; did you mean ill? known: age, dose, ill, patient, score, town']


def test_files_of_a_folder_are_one_table_and_rows_are_named_by_file(tmp_path, refused):
    for name, rows in (("a", ROWS[:10]), ("b", [row | {"dose": "" if row["age"] == 13 else row["dose"]} for row in ROWS[10:]])):
        (tmp_path / "set").mkdir(exist_ok=True)
        write_csv(tmp_path / "set" / f"{name}.csv", rows)
    build = FORMATS.build({"csv": {"path": "set", "target": "ill", "inputs": ["age", "dose"]}})
    assert refused(lambda: build.open(DataRoot(tmp_path)))[0].startswith("path: set/b.csv, row 4: expected a finite number")
    assert len(FORMATS.build({"csv": {"path": "set", "target": "ill", "inputs": ["age"]}}).open(DataRoot(tmp_path))) == 30


@pytest.mark.parametrize(("first", "second", "problem"), [
    ("a,b\n1,2\n", "a\n1\n", 'path: set/2.csv: expected the column "b", as set/1.csv has it'),
    ("a,b\n1,2\n", "b,a\n1,2\n3,x\n", 'path: set/2.csv, row 1: expected a number in "a", as in the rows before, got "2"'),
    ("a,b\n1,u\n", "a,b\n1,\n2,5\n", 'path: set/2.csv, row 2: expected text in "b", as in the rows before, got 5'),
    ("a,b,y\n1,2,0\n", "a,b,y\n1,2,1\n1,2,0.5\n", 'path: set/2.csv, row 2: expected an integer in "y", as in the rows before, got 0.5'),
    ("a,b,y\n1,2,0\n", "a,b,y\n1,2,1\n1,2,\n", 'path: set/2.csv, row 2: expected an integer in "y", as in the rows before, but there is none'),
])
def test_what_a_later_file_has_otherwise_is_named(tmp_path, refused, first, second, problem):
    (tmp_path / "set").mkdir()
    for name, text in (("1.csv", first), ("2.csv", second)):
        (tmp_path / "set" / name).write_text(text)
    asked = {"path": "set", "missing": "zero"} | ({"target": "y"} if "y" in first else {})
    assert refused(lambda: FORMATS.build({"csv": asked}).open(DataRoot(tmp_path))) == [problem]


def test_an_empty_class_is_named_wherever_in_a_file_it_stands(tmp_path, refused):
    y = [None if i == 69_999 else i % 2 for i in range(70_000)]  # more than are read at a time
    parquet.write_table(pa.Table.from_pydict({"a": range(70_000), "y": y}), tmp_path / "t.parquet")
    assert refused(lambda: FORMATS.build({"parquet": {"path": "t.parquet", "target": "y"}}).open(DataRoot(tmp_path))) == [
        'path: t.parquet, row 70000: expected an integer in "y", as in the rows before, but there is none']


def test_a_column_that_is_empty_in_one_file_may_be_text_in_another(tmp_path):
    (tmp_path / "set").mkdir()
    for name, text in (("1.csv", "a,b\n1,u\n"), ("2.csv", "a,b\n1,\n")):
        (tmp_path / "set" / name).write_text(text)
    data = FORMATS.build({"csv": {"path": "set", "missing": "zero"}}).open(DataRoot(tmp_path))
    assert everything(data)["b"].tolist() == [1, 0]


def test_a_column_that_is_there_twice_and_bytes_that_are_no_text_are_named(tmp_path, refused):
    for content, problem in ((b"a,a,y\n1,2,0\n", 'expected each column once, but there are 2 of the name "a"'),
                             (b"a,y\n1,\xff\n", 'expected numbers or text in the column "y", got bytes that are no text in UTF-8')):
        (tmp_path / "t.csv").write_bytes(content)
        assert refused(lambda: FORMATS.build({"csv": {"path": "t.csv"}}).open(DataRoot(tmp_path))) == [f"path: t.csv: {problem}"]


def test_a_cell_that_makes_a_column_text_and_the_first_row_of_a_label_can_be_named(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,0\n3,x,1\n5,6,7\n")
    data = FORMATS.build({"csv": {"path": "t.csv", "target": "y"}}).open(DataRoot(tmp_path))
    assert data.remark == '; "b" is text, as "x" in t.csv, row 2' and data.place_of("y", 7) == "t.csv, row 3"
    text = FORMATS.build({"csv": {"path": "t.csv", "target": "b"}}).open(DataRoot(tmp_path))
    assert text.learned["classes"] == ["2", "6", "x"] and text.place_of("y", 1) == "t.csv, row 3"


def test_tabs_and_gzip(tmp_path):
    write_csv(tmp_path / "t.tsv", ROWS, delimiter="\t")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.tsv").read_bytes()))
    data = FORMATS.build({"csv": {"path": "t.csv.gz", "delimiter": "\t", "inputs": ["age"]}}).open(DataRoot(tmp_path))
    assert everything(data)["x"].ravel().tolist() == list(range(30))


@pytest.mark.parametrize(("lines", "text"), [
    (["1,2", "3", "4,5"], "path: t.csv, row 2: expected 2 columns, got 1"),
    (["1,2", "3,4,5"], "path: t.csv, row 2: expected 2 columns, got 3"),
    (["1,2", *["3,4"] * 300000, "5,x"], "path: t.csv, row 300002: expected double as in the rows before, but invalid value 'x'"),
    ([], "path: expected at least one row, but there is none"),
])
def test_a_row_that_does_not_fit_is_named(tmp_path, refused, lines, text):
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines]) + "\n")
    assert refused(lambda: FORMATS.build({"csv": {"path": "t.csv"}}).open(DataRoot(tmp_path))) == [text]


def test_a_row_that_does_not_fit_is_left_out_and_counted_where_that_is_asked_for(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n4,5\n6,7,8\n")
    data = FORMATS.build({"csv": {"path": "t.csv", "on_bad": "skip"}}).open(DataRoot(tmp_path))
    assert everything(data)["x"].tolist() == [[1, 2], [4, 5]] and data.skipped == 2


def test_a_cut_parquet_file_is_refused(tmp_path, refused):
    write_parquet(tmp_path / "t.parquet", ROWS)
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:len(whole) // 2])
    assert refused(lambda: FORMATS.build({"parquet": {"path": "t.parquet"}}).open(DataRoot(tmp_path))) == [
        'path: expected a readable Parquet file, but "t.parquet" is not one']


def test_the_rows_are_not_held_in_memory(opened):
    assert isinstance(opened(target="ill")._cells, np.memmap)


# windows and ratings


def test_windows_slide_over_a_series_and_never_across_two(opened, tmp_path):
    opened()
    data = FORMATS.build({"windows": {"path": opened.file, "length": 4, "horizon": 2, "inputs": ["age", "dose"], "target": "score",
                                      "series": "patient", "stride": 1}})
    assert data.length == 4
    rows = [row | {"patient": i // 10} for i, row in enumerate(ROWS)]
    opened(rows)
    found = data.open(DataRoot(tmp_path))
    batch, starts = everything(found), [s + i for s in (0, 10, 20) for i in range(5)]
    assert batch["x"][:, :, 0].tolist() == [list(range(s, s + 4)) for s in starts]
    assert batch["y"][:, :, 0].tolist() == [[-s - 4, -s - 5] for s in starts]


def test_windows_for_the_test_are_the_last_ones_and_share_no_row_with_training(opened, tmp_path):
    opened()
    asked = {split: FORMATS.build({"windows": {"path": opened.file, "length": 3, "inputs": ["age"], "split": split}}) for split in ("train", "test", "all")}
    folds = [replace(asked["all"], of_fold=Fold(3, 2, 0, side)) for side in (False, True)]
    rows = [everything(each.open(DataRoot(tmp_path)))["x"] for each in (asked["train"], asked["test"], *folds)]
    assert rows[0].max() < 23 and rows[1].min() == 24 and rows[3].min() == 10 and rows[3].max() == 18
    assert set(rows[2].ravel()) == {*range(0, 9), *range(20, 29)}


def test_a_window_longer_than_the_series_is_refused(opened, tmp_path, refused):
    opened()
    asked = FORMATS.build({"windows": {"path": opened.file, "length": 30, "inputs": ["age"]}})
    assert refused(lambda: asked.open(DataRoot(tmp_path))) == [
        'length: expected windows that fit into the longest series, 30 rows, got "30 rows and 1 behind them"']


def test_windows_are_of_numbers(opened, tmp_path, refused):
    opened()
    asked = FORMATS.build({"windows": {"path": opened.file, "length": 2, "inputs": ["age", "town"], "target": "town"}})
    assert refused(lambda: asked.open(DataRoot(tmp_path))) == [
        f'{field}: expected columns of numbers, but "town" is text' for field in ("inputs", "target")]


def test_a_rating_without_a_user_is_named(tmp_path, refused):
    (tmp_path / "r.csv").write_text("u,i,r\n7,x,4\n,y,2\n")
    assert refused(lambda: FORMATS.build({"ratings": {"path": "r.csv"}}).open(DataRoot(tmp_path))) == [
        'path: r.csv, row 2: expected text in "user", but there is none']


def test_ratings_number_users_and_items_by_name(tmp_path):
    write_csv(tmp_path / "r.csv", [{"u": 7, "i": "x", "r": 4, "t": 1}, {"u": 3, "i": "y", "r": 2.5, "t": 2}, {"u": 7, "i": "y", "r": 1, "t": 3}])
    component = FORMATS.build({"ratings": {"path": "r.csv"}})
    data = component.open(DataRoot(tmp_path))
    batch = everything(data)
    assert batch["user"].tolist() == [2, 1, 2] and batch["item"].tolist() == [1, 2, 2] and batch["y"].tolist() == [[4], [2.5], [1]]
    write_csv(tmp_path / "r.csv", [{"u": 7, "i": "z", "r": 3, "t": 1}])
    assert component.open_with(DataRoot(tmp_path), data.learned).read(np.array([0]))["item"].tolist() == [0]


def test_names_of_users_and_items_are_exact_however_long(tmp_path):
    """2⁵³ + 1 and 2⁶⁴ + 1 are no floats, 10¹⁹ is no integer of 64 bits."""
    users, items = (2 ** 53, 2 ** 53 + 1, "7.0", "7"), (2 ** 64, 2 ** 64 + 1, 10 ** 19, 10 ** 19 + 1)
    write_csv(tmp_path / "r.csv", [{"u": user, "i": item, "r": 1} for user, item in zip(users, items)])
    batch = everything(FORMATS.build({"ratings": {"path": "r.csv"}}).open(DataRoot(tmp_path)))
    assert batch["user"].tolist() == [2, 3, 1, 1] and sorted(batch["item"]) == [1, 2, 3, 4]


# groups


def test_groups_are_told_apart_however_large_their_numbers(opened):
    rows = [row | {"patient": 2 ** 53 + i} for i, row in enumerate(ROWS)]
    assert len(opened(rows, inputs=["age"], group="patient", split="test")) == 6
    component = FORMATS.build({opened.file[2:]: {"path": opened.file, "inputs": ["age"], "group": "patient"}})
    assert component.rows(30, lambda: np.arange(30)).size == 30  # none is asked for, and none is looked at


def test_numbers_of_groups_that_would_run_together_are_refused(tmp_path, refused):
    write_csv(tmp_path / "t.csv", [row | {"patient": 2 ** 64 + i} for i, row in enumerate(ROWS)])
    asked = FORMATS.build({"csv": {"path": "t.csv", "inputs": ["age"], "group": "patient", "split": "test"}})
    assert refused(lambda: asked.open(DataRoot(tmp_path))) == [
        'path: t.csv, row 1: expected text, or integers of 64 bits, that name groups in "patient", got 1.8446744073709552e+19']


@pytest.mark.parametrize("name", ["p{}".format, int], ids=["text", "integers"])
@pytest.mark.parametrize("empty", [0, 12])
def test_a_row_without_a_group_is_named_where_groups_divide(opened, refused, name, empty):
    rows = [row | {"patient": None if i == empty else name(row["patient"])} for i, row in enumerate(ROWS)]
    asked = {"inputs": ["age"], "target": "ill", "group": "patient"}
    problem = f'path: {opened.file}, row {empty + 1}: expected a group in "patient", but there is none; give it one, or leave the row out'
    assert refused(lambda: opened(rows, **asked, split="train")) == [problem]
    assert len(opened(rows, **asked)) == 30  # nothing is divided


def test_a_row_without_a_group_is_named_before_folds_are_made(opened, refused, tmp_path):
    opened([row | {"patient": None if i == 3 else row["patient"]} for i, row in enumerate(ROWS)], inputs=["age"])
    asked = FORMATS.build({opened.file[2:]: {"path": opened.file, "inputs": ["age"], "target": "ill", "group": "patient"}})
    assert refused(lambda: replace(asked, of_fold=Fold(3, 1, 0, False)).open(DataRoot(tmp_path))) == [
        f'path: {opened.file}, row 4: expected a group in "patient", but there is none; give it one, or leave the row out']
