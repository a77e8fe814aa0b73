"""What generated data promises: that its targets say what is in it, and that what is tested was not trained on."""

import numpy as np
import pytest

from worker.datasets import FORMATS, DataRoot
from worker.datasets.docstrings import CHARACTERS, strings
from worker.datasets.numerals import SYMBOLS, date, in_words


@pytest.fixture
def drawn(tmp_path):
    """`drawn("roads", samples=5, …)`: all samples of a set."""

    def draw(name, **attributes):
        data = FORMATS.build({name: attributes}).open(DataRoot(tmp_path))
        return data.read(np.arange(len(data)))

    return draw


def rows(batch, field):
    return {row.tobytes() for row in batch[field]}


@pytest.mark.parametrize("name", ["drives", "numerals", "roads", "scenes"])
def test_a_seed_is_a_set_and_training_and_test_are_two(drawn, name):
    one, again, other, test = (drawn(name, samples=10, **more) for more in ({}, {}, {"seed": 1}, {"split": "test"}))
    assert all((one[field] == again[field]).all() for field in one)
    assert not rows(one, "x") & rows(other, "x") and not rows(one, "x") & rows(test, "x")


# ---- scenes


def corners(scene):
    """(top, bottom, left, right) in pixels of each digit's box: cells are of 8."""
    for row, column in zip(*np.nonzero(scene["found"])):
        x, y, width, height = scene["box"][row, column] * 8
        yield tuple(round(float(edge)) for edge in (8 * row + y - height / 2, 8 * row + y + height / 2, 8 * column + x - width / 2, 8 * column + x + width / 2))


def test_all_that_is_in_a_scene_is_in_its_boxes_and_every_box_has_something(drawn):
    scenes = drawn("scenes", samples=50, noise=0)
    for i in range(50):
        scene = {name: array[i] for name, array in scenes.items()}
        outside = scene["x"][..., 0].copy()
        for top, bottom, left, right in corners(scene):
            assert 0 <= top < bottom <= 32 and 0 <= left < right <= 32
            assert scene["x"][top:bottom, left:right].max() > 0.5
            outside[top:bottom, left:right] = 0
        assert not outside.any()


def test_a_scene_has_one_to_as_many_digits_as_asked_for_and_all_ten_occur(drawn):
    scenes = drawn("scenes", samples=200, most=2)
    found = scenes["found"] == 1
    assert set(found.sum(axis=(1, 2))) == {1, 2}
    assert set(scenes["digit"][found]) == set(range(10)) and not scenes["digit"][~found].any()
    assert (scenes["object"][..., 0] == scenes["found"]).all()


# ---- roads


def test_a_lane_is_one_piece_in_each_row_and_narrows_towards_the_horizon(drawn):
    lanes = drawn("roads", samples=100)["y"]
    assert (np.abs(np.diff(np.pad(lanes, ((0, 0), (0, 0), (1, 1))), axis=2)).sum(axis=2) <= 2).all()
    widths = lanes.sum(axis=2)
    assert (widths[:, 0] == 0).all() and (widths[:, -1] > widths[:, 14]).mean() > 0.95


def test_lines_are_brighter_than_the_lane_between_them(drawn):
    roads = drawn("roads", samples=100, noise=0)
    x, lane = roads["x"][..., 0], roads["y"] == 1
    assert np.quantile(x[lane], 0.97) > 0.7 > np.median(x[lane])


# ---- drives


def test_a_car_moves_as_fast_as_its_sensors_say(drawn):
    """The way of a tenth of a second, from place to place, against the mean of the speeds at its ends."""
    x = drawn("drives", samples=200, noise=0)["x"].astype(float)
    way = np.linalg.norm(np.diff(x[:, :, :2], axis=1), axis=-1)
    speed = 10 * (x[:, 1:, 3] + x[:, :-1, 3]) / 2
    np.testing.assert_allclose(way, 0.1 * speed, rtol=0.01, atol=0.02)


def test_constant_velocity_is_right_at_first_and_then_less_and_less(drawn):
    y = drawn("drives", samples=500, noise=0)["y"].reshape(500, 20, 2)
    error = np.sqrt(np.square(y).sum(axis=-1).mean(axis=0))
    assert error[0] < 0.05 and (np.diff(error) > 0).all() and error[-1] > 1


# ---- numerals


@pytest.mark.parametrize(("value", "words"), [
    (0, "zero"), (14, "fourteen"), (90, "ninety"), (105, "one hundred five"), (42007, "forty two thousand seven"),
    (999999, "nine hundred ninety nine thousand nine hundred ninety nine"),
])
def test_numbers_in_words(value, words):
    assert " ".join(in_words(value)) == words


@pytest.mark.parametrize(("value", "words", "digits"), [
    (0, "first of january ten hundred", "1000-01-01"),
    (984 * 336 + 2 * 28 + 8, "ninth of march nineteen eighty four", "1984-03-09"),
    (2000 * 336 - 1, "twenty eighth of december twenty nine ninety nine", "2999-12-28"),
])
def test_dates_in_words_and_in_digits(value, words, digits):
    found = date(value)
    assert (" ".join(found[0]), "".join(found[1])) == (words, digits)


def test_a_translation_is_said_symbol_by_symbol_and_none_of_the_test_was_trained(drawn):
    train, test = (drawn("numerals", samples=2000, split=split) for split in ("train", "test"))
    for batch in (train, test):
        assert ((batch["source"] > 0) == batch["mask"]).all()
        ends = batch["y"] == SYMBOLS.index("<end>")
        assert (ends.sum(axis=1) == 1).all() and (batch["x"][:, 0] == SYMBOLS.index("<begin>")).all()
        assert (batch["x"][:, 1:] == np.where(batch["y"][:, 1:] < 0, 0, batch["y"][:, :-1])).all()
    assert set(np.unique(test["source"])) <= set(np.unique(train["source"]))
    assert not rows(train, "source") & rows(test, "source") and not rows(train, "y") & rows(test, "y")


# ---- texts of Python's library


def test_docstrings_are_the_librarys_own(drawn):
    assert __import__("base64").b64encode.__doc__.split("\n")[0] in "\n\n".join(strings())
    x, y = (drawn("docstrings", length=50)[field] for field in "xy")
    assert (x[:, 1:] == y[:, :-1]).all() and (x[1:, 0] == y[:-1, -1]).all()
    text = "".join(CHARACTERS[code] for code in x[:40].ravel())
    assert strings()[1].split("\n")[0] in text and strings()[0].split("\n")[0] not in text  # which is the test's


def test_the_words_of_the_test_are_from_other_places(drawn):
    train, test = (drawn("packages", length=40, vocabulary=5000, split=split) for split in ("train", "test"))
    common = rows(train, "x") & rows(test, "x")
    assert len(common) < 0.02 * len(test["x"])  # of what stands in several files alike
    assert set(train["y"]) == set(test["y"]) == set(range(8))
    assert abs(len(train["y"]) - 4 * len(test["y"])) <= 4


def test_frequent_words_have_small_numbers(drawn):
    counts = np.bincount(drawn("packages", vocabulary=50)["x"].ravel())
    assert len(counts) == 50 and counts[1] > 2 * counts[20] > 2 * counts[49]
