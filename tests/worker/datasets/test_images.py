"""images: written by Pillow, decoded when asked for; classes by folder, as the training data numbers them."""

import os

import numpy as np
import pytest

from tests.worker.datasets import files
from worker.datasets import FORMATS, DataRoot
from worker.errors import BadSample

pytest.importorskip("PIL", reason="needs Pillow: pip install 'bptrain[images]'")
PIXELS = files.pixels(10, 6, 5, 3)


@pytest.fixture
def folder(tmp_path):
    for i, array in enumerate(PIXELS):
        files.picture(tmp_path / "set" / ("cat" if i < 4 else "dog") / f"{i}.png", array)
    return tmp_path / "set"


@pytest.fixture
def opened(tmp_path):
    return lambda learned={}, **attributes: FORMATS.build({"images": {"path": "set"} | attributes}).open_with(DataRoot(tmp_path), learned)


def test_pixels_are_those_written_and_classes_follow_from_folders(folder, opened):
    data = opened()
    batch = data.read(np.arange(10))
    assert (batch["x"] == (PIXELS / 255).astype(np.float32)).all() and batch["y"].tolist() == [0] * 4 + [1] * 6
    assert data.learned == {"classes": ["cat", "dog"]} and data.fields["y"].classes == 2


def test_gray_is_one_channel_and_a_size_is_scaled_to(folder, opened):
    assert opened(color="gray").fields["x"].shape == (6, 5, 1)
    assert opened(size=[3, 4]).read(np.arange(2))["x"].shape == (2, 3, 4, 3)


def test_held_out_pictures_get_the_numbers_of_the_training_data(folder, opened):
    os.rename(folder / "cat", folder.parent / "cat")
    assert opened({"classes": ["bird", "cat", "dog"]}).read(np.array([0]))["y"].tolist() == [2]


def test_a_class_that_the_training_data_lacks_is_refused(folder, opened, refused):
    assert refused(lambda: opened({"classes": ["cat", "cow"]})) == ['path: expected classes of the training data (cat, cow), got "dog"']


def test_a_truncated_picture_is_named_when_it_is_asked_for(folder, opened):
    path = folder / "dog" / "7.png"
    path.write_bytes(path.read_bytes()[:100])
    data = opened()
    assert len(data.read(np.arange(7))["y"]) == 7
    with pytest.raises(BadSample, match="^set/dog/7.png: expected a whole picture, but it cannot be decoded: "):
        data.read(np.array([8, 7]))


def test_a_truncated_picture_is_left_out_and_counted_where_that_is_asked_for(folder, opened):
    path = folder / "dog" / "7.png"
    path.write_bytes(path.read_bytes()[:100])
    data = opened(on_bad="skip")
    batch = data.read(np.array([8, 7, 1]))
    assert (batch["x"] == (PIXELS[[8, 1]] / 255).astype(np.float32)).all() and data.skipped == 1
    assert data.read(np.array([7]))["x"].shape == (0, 6, 5, 3)


def test_a_picture_that_has_changed_is_named(folder, opened):
    data = opened()
    files.picture(folder / "cat" / "1.png", PIXELS[5])
    with pytest.raises(BadSample, match="set/cat/1.png: expected a file that stays as it is"):
        data.read(np.array([1]))
    (folder / "cat" / "2.png").unlink()
    with pytest.raises(BadSample, match="set/cat/2.png: expected a file that stays .* No such file"):
        data.read(np.array([2]))


def test_a_picture_of_another_size_is_named(folder, opened):
    files.picture(folder / "dog" / "9.png", PIXELS[0, :3])
    with pytest.raises(BadSample, match="set/dog/9.png: expected a picture of 6 × 5, as the first one is, got .*; give the size"):
        opened().read(np.array([9]))
    assert opened(size=[6, 5]).read(np.array([9]))["x"].shape == (1, 6, 5, 3)


def test_a_class_without_pictures_is_refused(folder, opened, refused):
    (folder / "eel").mkdir()
    assert refused(opened) == ['path: expected at least one file in each class, but "eel" has none']


def test_a_picture_beside_the_folders_is_refused(folder, opened, refused):
    files.picture(folder / "x.png", PIXELS[0])
    assert refused(opened) == ['path: expected files in folders named like their classes, got "set/x.png"']


def test_a_first_file_that_is_no_picture_is_refused(folder, opened, refused):
    (folder / "cat" / "0.png").write_text("none")
    assert refused(opened) == ['path: expected readable pictures, but "set/cat/0.png" is not one']
    skipping = opened(on_bad="skip")
    assert len(skipping.read(np.arange(len(skipping)))["y"]) == len(skipping) - 1 and skipping.skipped == 1


def test_no_sentence_names_the_folder(folder, opened, tmp_path):
    path = folder / "dog" / "7.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(BadSample) as error:
        opened().read(np.array([7]))
    assert str(tmp_path) not in str(error.value)
