"""What each transform does, against what NumPy says or what can be seen."""

import numpy as np
import pytest

from tests.worker.transforms.test_contract import DATA, WHOLE, chain
from worker.data.transformed import Transformed, Varied
from worker.datasets import Arrays
from worker.transforms.rotate import turned

RAW = DATA.read(WHOLE)


def fixed(*components):
    return Transformed(DATA, chain(components)).read(WHOLE)


def varied(*components, epoch=0):
    return Varied(DATA, chain(components)).of_epoch(epoch).read(WHOLE)


@pytest.mark.parametrize(("per", "axes"), [("element", 0), ("channel", (0, 1)), ("all", None)])
def test_standardised_numbers_have_mean_0_and_deviation_1(per, axes):
    found = fixed({"standardise": {"field": "frames", "per": per}})["frames"]
    assert np.allclose(found.mean(axis=axes), 0, atol=1e-6) and np.allclose(found.std(axis=axes), 1, atol=1e-6)


def test_a_number_that_is_always_the_same_becomes_0():
    data = Arrays({"x": np.full((9, 2), 7.0)})
    for name in ("standardise", "min_max"):
        assert not Transformed(data, chain([name], data)).read(np.arange(9))["x"].any()


@pytest.mark.parametrize(("per", "axes"), [("element", 0), ("channel", (0, 1)), ("all", None)])
def test_min_max_goes_from_low_to_high(per, axes):
    found = fixed({"min_max": {"field": "frames", "per": per, "low": -1, "high": 3}})["frames"]
    assert np.allclose(found.min(axis=axes), -1) and np.allclose(found.max(axis=axes), 3)


def test_one_hot_is_a_row_of_the_identity():
    assert (fixed({"one_hot": {"field": "y"}})["y"] == np.eye(4)[RAW["y"]]).all()
    joined = fixed({"one_hot": {"field": "y", "into": "row"}})
    assert (joined["row"] == np.concatenate([RAW["row"], np.eye(4)[RAW["y"]]], axis=1).astype(np.float32)).all() and "y" not in joined


def test_an_integer_beyond_the_training_data_is_all_zeros():
    data = Arrays({"y": np.array([9, 1])})
    found = Transformed(data, chain([{"one_hot": {"field": "y"}}], data, learned=[{"classes": 4}])).read(np.arange(2))
    assert found["y"].tolist() == [[0, 0, 0, 0], [0, 1, 0, 0]]


def test_half_of_the_pictures_are_flipped_and_masks_go_along():
    found = varied({"flip": {"also": ["mask"]}})
    is_flipped = np.array([(new == old[:, ::-1]).all() for new, old in zip(found["x"], RAW["x"])])
    assert 8 < is_flipped.sum() < 32  # 40 coins: less than 1 in 10,000 is outside
    for now, before, turned_over in zip(found["mask"], RAW["mask"], is_flipped):
        assert (now == (before[:, ::-1] if turned_over else before)).all()


def test_a_cropped_picture_is_a_part_of_it_with_zeros_around():
    found = varied({"crop": {"shift": [2, 1], "also": ["mask"]}})
    padded = np.pad(RAW["x"], [(0, 0), (2, 2), (1, 1), (0, 0)])
    places = [{(down, across) for down in range(5) for across in range(3) if (padded[i, down:down + 8, across:across + 6] == found["x"][i]).all()}
              for i in range(40)]
    assert all(len(place) == 1 for place in places) and len(set.union(*places)) == 15


def test_a_quarter_turn_is_numpys():
    square = np.random.default_rng(0).random((7, 7, 2)).astype(np.float32)
    assert np.allclose(turned(square, np.pi / 2), np.rot90(square), atol=1e-5)
    labels = np.random.default_rng(0).integers(0, 5, (6, 6))
    assert (turned(labels, np.pi) == labels[::-1, ::-1]).all() and turned(labels, 0.3).dtype == labels.dtype


def test_a_small_turn_of_a_smooth_picture_is_that_of_its_formula():
    """A plane a·y + b·x, turned, is a plane again: mixing four pixels is exact for it, away from the edges."""
    y, x = np.indices((15, 15)) - 7
    found = turned((0.3 * y + 0.8 * x).astype(np.float32), 0.2)
    wanted = 0.3 * (np.cos(0.2) * y + np.sin(0.2) * x) + 0.8 * (np.cos(0.2) * x - np.sin(0.2) * y)
    assert np.allclose(found[4:-4, 4:-4], wanted[4:-4, 4:-4], atol=1e-5)


def test_colours_stay_between_0_and_1_and_gray_stays_gray():
    found = varied({"colour": {"brightness": 0.5, "contrast": 0.5, "saturation": 0.9}})["x"]
    assert found.min() >= 0 and found.max() <= 1 and (found != RAW["x"]).any()
    gray = Arrays({"x": np.repeat(RAW["x"][..., :1], 3, axis=3)})
    changed = Varied(gray, chain([{"colour": {"saturation": 0.9}}], gray)).read(WHOLE)["x"]
    assert np.allclose(changed, gray.read(WHOLE)["x"], atol=1e-5)


def test_cutout_zeroes_one_square():
    found = varied({"cutout": {"size_px": 3}})["x"]
    for now, before in zip(found, RAW["x"]):
        rows, columns = np.nonzero((now == 0).all(axis=2) & (before != 0).any(axis=2))
        assert 4 <= len(rows) <= 9 and np.ptp(rows) <= 2 and np.ptp(columns) <= 2


def test_mixed_samples_lie_between_two_and_labels_with_them():
    found = varied({"one_hot": {"field": "y"}}, {"mixup": {"alpha": 1.0, "fields": ["row", "y"]}})
    assert np.allclose(found["y"].sum(axis=1), 1) and (found["y"].max(axis=1) < 0.99).sum() > 10
    for now, before, label in zip(found["row"], RAW["row"], RAW["y"]):
        shares = [(np.dot(now - before, other - before) / np.dot(other - before, other - before), other) for other in RAW["row"] if (other != before).any()]
        assert any(np.allclose(before + share * (other - before), now, atol=1e-5) for share, other in shares)


def test_masked_frames_and_bands_are_zero_and_the_others_stay():
    times = varied({"time_mask": {"field": "frames", "length": 5}})["frames"]
    bands = varied({"frequency_mask": {"field": "frames", "length": 3}})["frames"]
    for now, before in zip(times, RAW["frames"]):
        zeros = np.flatnonzero((now == 0).all(axis=1))
        assert len(zeros) <= 5 and (not len(zeros) or np.ptp(zeros) == len(zeros) - 1) and (np.delete(now, zeros, 0) == np.delete(before, zeros, 0)).all()
    assert {int((now == 0).all(axis=0).sum()) for now in bands} == {0, 1, 2, 3}


def test_noise_has_the_deviation_asked_for():
    difference = varied({"noise": {"field": "x", "stddev": 0.3}})["x"] - RAW["x"]
    assert abs(difference.std() - 0.3) < 0.01 and abs(difference.mean()) < 0.01
