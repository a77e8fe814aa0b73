"""idx: files as MNIST's authors describe them, whatever their numbers; damaged ones are refused."""

import os

import numpy as np
import pytest

from bpcore.fields import Field
from tests.worker.datasets import files
from worker.datasets import FORMATS, DataRoot
from worker.errors import BadSample


@pytest.fixture
def opened(tmp_path):
    return lambda **attributes: FORMATS.build({"idx": attributes}).open(DataRoot(tmp_path))


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_pictures_are_numbers_from_0_to_1_with_one_channel(tmp_path, opened, name):
    written = files.pixels(9, 7, 6)
    files.idx(tmp_path / name, written)
    files.idx(tmp_path / "labels", np.arange(9, dtype=np.uint8))
    data = opened(images=name, labels="labels")
    batch = data.read(np.array([8, 2]))
    assert data.fields == {"x": Field((7, 6, 1)), "y": Field((), True, 9, 0)}
    assert (batch["x"] == (written[[8, 2], ..., None] / 255).astype(np.float32)).all() and batch["y"].tolist() == [8, 2]


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "float32", "float64"])
def test_other_numbers_are_read_as_they_are(tmp_path, opened, dtype):
    written = (np.arange(24).reshape(4, 6) - 5).astype(dtype)
    files.idx(tmp_path / "x", written)
    assert opened(images="x").read(np.arange(4))["x"].tolist() == written.tolist()


def test_bytes_stay_bytes_where_they_are_not_scaled(tmp_path, opened):
    files.idx(tmp_path / "x", files.pixels(4, 3, 3))
    data = opened(images="x", scale=False)
    assert data.fields["x"].integer and data.read(np.arange(4))["x"].dtype == np.uint8


def test_labels_of_another_length_are_refused(tmp_path, opened, refused):
    files.idx(tmp_path / "x", files.pixels(4, 3, 3))
    files.idx(tmp_path / "y", np.arange(5, dtype=np.uint8))
    assert refused(lambda: opened(images="x", labels="y")) == ["y: expected as many samples as x has, 4, got 5"]


@pytest.mark.parametrize("name", ["cut", "cut.gz"])
def test_a_file_cut_anywhere_is_refused(tmp_path, opened, refused, name):
    whole = files.idx(tmp_path / name, files.pixels(3, 4, 4)).read_bytes()
    for length in range(0, len(whole), 5):
        (tmp_path / name).write_bytes(whole[:length])
        assert refused(lambda: opened(images=name)) == [f'images: expected a whole IDX file, but "{name}" is not one']


def test_a_file_with_more_behind_it_is_refused(tmp_path, opened, refused):
    path = files.idx(tmp_path / "x", files.pixels(3, 4, 4))
    path.write_bytes(path.read_bytes() + b"\0")
    assert refused(lambda: opened(images="x")) == ['images: expected a whole IDX file, but "x" is not one']


def test_a_file_that_is_not_there_is_named_with_its_attribute(opened, refused):
    assert refused(lambda: opened(images="none")) == [
        'images: expected a file inside the data root, got "none"; there is none of that name']


def test_a_large_file_stays_on_disk_and_is_read_the_same(tmp_path, opened, monkeypatch):
    files.idx(tmp_path / "x", files.pixels(9, 7, 6))
    files.idx(tmp_path / "x.gz", files.pixels(9, 7, 6))
    files.idx(tmp_path / "y", np.arange(9, dtype=np.uint8))
    small = opened(images="x", labels="y")
    monkeypatch.setattr("worker.datasets.idx.LARGE_BYTES", 0)
    some = np.array([8, 0, 8])
    for name in ("x", "x.gz"):
        large = opened(images=name, labels="y")
        assert (small.is_on_disk, large.is_on_disk, large.fields) == (False, True, small.fields)
        assert all(large.read(some)[field].tobytes() == small.read(some)[field].tobytes() for field in ("x", "y"))


def test_a_large_file_cut_behind_the_look_at_its_size_is_an_error_and_no_end(tmp_path, opened, monkeypatch):
    monkeypatch.setattr("worker.datasets.idx.LARGE_BYTES", 0)
    path = files.idx(tmp_path / "x", files.pixels(400, 20, 20))
    data = opened(images="x")
    os.truncate(path, 5000)
    with pytest.raises(BadSample, match="^x: expected sample 399, but the file ends before it"):
        data._arrays["x"].take(np.array([0, 399]), 0)


def test_a_file_that_is_cut_while_it_is_trained_on_is_named(tmp_path, opened):
    path = files.idx(tmp_path / "x", files.pixels(400, 20, 20))
    data = opened(images="x")
    os.truncate(path, 5000)
    with pytest.raises(BadSample, match="^x: expected a file that stays as it is while it is trained on, but it has changed"):
        data.read(np.array([399]))
