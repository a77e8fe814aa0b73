"""Data that no training survives is refused before the first step, named by file, field and sample."""

import os

import numpy as np
import pytest

from worker.jobs import checks, jobfile

X, Y = np.zeros((20, 4), np.float32), np.arange(20) % 3


@pytest.fixture
def problems(tiny, tmp_path, refused):
    """What is wrong with a job whose training file is `path`."""

    def find(path="bad.npz", **more):
        spec, earlier = jobfile.parse(tiny() | {"data": {"train": {"npz": {"path": path} | more}}})
        return refused(lambda: checks.check(spec, tmp_path, earlier))

    return find


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize(("arrays", "text"), [
    ({"x": changed(X, (7, 2), np.nan)},
     "data.train.npz.x: expected finite numbers, but 1 of 20 samples hold NaN or infinity, the first of them sample 7"),
    ({"x": changed(X, ([3, 9, 9], [0, 1, 2]), np.inf)},
     "data.train.npz.x: expected finite numbers, but 2 of 20 samples hold NaN or infinity, the first of them sample 3"),
    ({"y": changed(Y.astype(float), 19, np.nan)},
     "data.train.npz.y: expected finite numbers, but 1 of 20 samples hold NaN or infinity, the first of them sample 19"),
    ({"y": changed(Y, 4, -2)}, "loss (data.train): expected labels from 0 on, got -2; name the label to leave out: ignored: -2; first seen in sample 4"),
    ({"y": changed(Y, 4, 3)},
     "loss (data.train): expected labels 0 … 2, as the model ends in 3 classes, got 3; end the model in linear: {units: 4}; first seen in sample 4"),
    ({"y": Y.astype(float)}, "loss (data.train): expected one integer label a sample, got (one number, not an integer)"),
    ({"y": np.stack([Y, Y], 1)}, "loss (data.train): expected one integer label a sample, got (2,) integers"),
    ({"y": Y[:19]}, "data.train.npz.y: expected as many samples as x has, 20, got 19"),
    ({"x": X[:0], "y": Y[:0]}, "data.train.npz.x: expected at least one sample, got [0, 4]"),
    ({"y": np.array(3)}, "data.train.npz.y: expected at least one sample, got []"),
    ({"x": X.astype(str)}, 'data.train.npz.x: expected an array of integers or floats, got "<U32"'),
    ({"x": X.astype(complex)}, 'data.train.npz.x: expected an array of integers or floats, got "complex128"'),
    ({"x": X.reshape(20, 2, 2)}, "model.input (data.train): expected [2, 2], the shape of a sample, got [4]"),
], ids=lambda value: None if isinstance(value, dict) else value[:60])
def test_an_array_that_cannot_be_trained_on(npz, problems, arrays, text):
    npz("bad.npz", **{"x": X, "y": Y} | arrays)
    assert text in problems()


def test_an_array_that_is_not_there(npz, problems):
    npz("bad.npz", X=X, labels=Y)
    assert problems() == ['model.input (data.train): unknown field "x"; known: X, labels', 'loss (data.train): unknown field "y"; known: X, labels']


def test_a_file_that_is_not_there(problems):
    assert problems() == ['data.train.npz.path: expected a file inside the data root, got "bad.npz"; there is none of that name']


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", b"\0" * 1000], ids=["empty", "csv", "zeros"])
def test_a_file_that_is_no_npz(tmp_path, problems, content):
    (tmp_path / "bad.npz").write_bytes(content)
    assert problems() == ['data.train.npz.path: expected a readable .npz file, but "bad.npz" is not one']


def test_a_single_array_is_no_npz(tmp_path, problems):
    np.save(tmp_path / "bad.npy", X)
    assert problems("bad.npy") == ['data.train.npz.path: expected a readable .npz file, but "bad.npy" is not one']


def test_pickled_objects_are_never_loaded(npz, problems):
    npz("bad.npz", x=np.array([{"__reduce__": 1}] * 20, dtype=object))
    assert problems() == ['data.train.npz.path: expected arrays of numbers, but "bad.npz" holds Python objects: text among numbers, '
                          "or rows of unequal length"]


@pytest.mark.parametrize("path", ["../outside.npz", "sub/../../outside.npz", "/etc/hostname", "link.npz", "folder/outside.npz"])
def test_a_path_that_leads_out_of_the_data_root(tmp_path, npz, tiny, refused, path):
    root = tmp_path / "root"
    root.mkdir()
    npz("outside.npz")
    os.symlink(tmp_path / "outside.npz", root / "link.npz")
    os.symlink(tmp_path, root / "folder")
    spec, _ = jobfile.parse(tiny(data={"train": {"npz": {"path": path}}}))
    text = f'data.train.npz.path: expected a path inside the data root, got "{path}"'
    assert refused(lambda: checks.check(spec, root)) == [text]


def test_no_host_path_stands_in_any_of_these(tmp_path, npz, problems):
    npz("bad.npz", y=Y)
    told = problems("../x") + problems("none") + problems() + problems(inputs="z")
    assert str(tmp_path) not in "".join(told)
