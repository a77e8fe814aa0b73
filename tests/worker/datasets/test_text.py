"""text: numbers that say the text again; a vocabulary of the training part alone; windows, classes, pairs."""

import numpy as np
import pytest

from worker.datasets import FORMATS, DataRoot
from worker.sources.vocabulary import END, UNKNOWN, Vocabulary

PROSE = "".join(f"Line {i}: the quick brown fox, çà et là.\n" for i in range(400))


@pytest.fixture
def opened(tmp_path):
    def open(content=PROSE, learned={}, **attributes):
        (tmp_path / "some.txt").write_text(content, encoding="utf-8")
        return FORMATS.build({"text": {"path": "some.txt"} | attributes}).open_with(DataRoot(tmp_path), learned)

    return open


def said(data, name="x"):
    vocabulary = Vocabulary(data.learned["vocabulary"])
    return [vocabulary.decoded(row) for row in data.read(np.arange(len(data)))[name]]


@pytest.mark.parametrize("unit", ["characters", "bytes"])
def test_windows_say_the_text_and_the_targets_the_same_one_further(opened, unit):
    data = opened(unit=unit, length=50, content=PROSE.replace("ç", "c").replace("à", "a"))
    text, batch = PROSE.replace("ç", "c").replace("à", "a"), data.read(np.arange(len(data)))
    assert "".join(said(data)) == text[:50 * len(data)] and "".join(said(data, "y")) == text[1:50 * len(data) + 1]
    assert len(data) == (len(text) - 1) // 50 and (batch["x"][:, 1:] == batch["y"][:, :-1]).all()


def test_words_are_words_and_signs(opened):
    data = opened(unit="words", length=10, content="One fish, two fish.\nRed-fish!\n" * 3)
    assert said(data)[0] == "One fish , two fish . Red - fish !"


def test_byte_pairs_say_the_text_in_fewer_units(opened):
    pytest.importorskip("tokenizers", reason="needs tokenizers: pip install 'bptrain[text]'")
    data = opened(unit="bpe", entries=300, length=20)
    assert "".join(said(data)) in PROSE and len(data) * 20 < len(PROSE) / 1.5


def test_the_vocabulary_is_of_the_training_part_alone(opened):
    """Every line has a character of its own; the test's are not known, and neither are they learned."""
    text = "".join(chr(0x4E00 + i) * 40 + "\n" for i in range(300))
    train, test = (opened(text, split=split, unit="characters", length=8) for split in ("train", "test"))
    known = set(train.learned["vocabulary"]["units"])
    held_out = opened(text, train.learned, split="test", length=8)
    assert held_out.learned == train.learned and set(test.learned["vocabulary"]["units"]) != known
    x = held_out.read(np.arange(len(held_out)))["x"]
    assert (x == UNKNOWN).mean() > 0.9 and held_out.fields == train.fields


def test_train_and_test_are_all_lines(opened):
    lines = [set("".join(said(opened(split=split, length=1))).splitlines()) for split in ("train", "test")]
    assert lines[0] | lines[1] == set(PROSE.splitlines()) and len(lines[1]) > 10
    assert not {line for line in lines[0] & lines[1] if len(line) == len(PROSE.splitlines()[0])} - {""}


def test_rare_units_are_left_out_of_a_small_vocabulary(opened):
    data = opened("aaaa bbbb cccc dd e\n" * 5, entries=4, length=5)
    assert data.learned["vocabulary"]["units"] == [" ", "a", "b", "c"] and data.fields["x"].classes == 8


@pytest.fixture
def classes(tmp_path):
    for name, text in {"birds": "An owl\na crow\n", "fish": "a trout\n"}.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "one.txt").write_text(text)
    return lambda **attributes: FORMATS.build({"text": {"path": "set", "task": "class", "length": 12} | attributes}).open(DataRoot(tmp_path))


def test_texts_have_the_class_of_their_folder(classes):
    data = classes()
    batch = data.read(np.arange(2))
    assert said(data) == ["An owl\na cro", "a trout\n"] and batch["y"].tolist() == [0, 1]
    assert batch["mask"].sum(axis=1).tolist() == [12, 8] and (batch["x"] > 0).tolist() == (batch["mask"] > 0).tolist()
    assert data.learned["classes"] == ["birds", "fish"]


def test_a_line_is_a_text_where_that_is_asked_for(classes):
    data = classes(per="line", lowercase=True, unit="words")
    assert said(data) == ["an owl", "a crow", "a trout"] and data.read(np.arange(3))["y"].tolist() == [0, 0, 1]


def test_lines_may_say_their_class(opened):
    data = opened("good\tit works\nbad\tit fails\ngood\tfine\n", task="class", length=10)
    assert said(data) == ["it works", "it fails", "fine"] and data.read(np.arange(3))["y"].tolist() == [1, 0, 1]


def test_pairs_have_a_beginning_in_front_and_an_end_behind(opened):
    data = opened("two\t2\nthirteen\t13\n", task="pairs", length=9)
    batch = data.read(np.arange(2))
    assert said(data, "source") == ["two", "thirteen"] and said(data, "x") == said(data, "y") == ["2", "13"]
    assert batch["x"].shape == (2, 10) and (batch["x"][:, 1:3] == batch["y"][:, :2]).any() and batch["y"][1, 2] == END
    assert batch["mask"].sum(axis=1).tolist() == [2, 3] and batch["source_mask"].sum(axis=1).tolist() == [3, 8]


@pytest.mark.parametrize(("content", "attributes", "text"), [
    ("a\tb\nno tab\n", {"task": "pairs"}, 'path: some.txt, line 2: expected a tab between two columns, got "no tab"'),
    ("abc\n", {}, "length: expected less than the 4 units that there are, got 128"),
    ("", {}, "length: expected less than the 0 units that there are, got 128"),
])
def test_a_text_that_does_not_fit(refused, opened, content, attributes, text):
    assert refused(lambda: opened(content, **attributes)) == [text]


def test_what_is_not_utf_8_is_named_by_line(tmp_path, refused):
    (tmp_path / "bad.txt").write_bytes(b"one\ntwo\nthr\xff\n")
    found = refused(lambda: FORMATS.build({"text": {"path": "bad.txt", "length": 2}}).open(DataRoot(tmp_path)))
    assert found == ["path: bad.txt, line 3: expected UTF-8, but there is a byte 0xff"]
