"""npy: files of NumPy's, read the same in memory and from disk; what is damaged or cut is named."""

import os

import numpy as np
import pytest

from worker.datasets import FORMATS, DataRoot
from worker.errors import BadSample


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """`opened(large, x=…)`: a file for each array, opened in memory, or where they stay on disk."""

    def make(large, **arrays):
        for module in ("worker.datasets.npy", "worker.sources.filed"):
            monkeypatch.setattr(f"{module}.LARGE_BYTES", 0 if large else 1 << 26)
        (tmp_path / "set").mkdir(exist_ok=True)
        for name, array in arrays.items():
            np.save(tmp_path / "set" / f"{name}.npy", array)
        return FORMATS.build({"npy": {"path": "set"}}).open(DataRoot(tmp_path))

    return make


@pytest.mark.parametrize("x", [np.arange(60, dtype=">f8").reshape(12, 5), np.asfortranarray(np.arange(60, dtype=np.int16).reshape(12, 5))])
def test_the_same_is_read_from_disk_and_from_memory(opened, x):
    small, large, some = opened(False, x=x, y=np.arange(12)), opened(True, x=x, y=np.arange(12)), np.array([7, 0, 7])
    assert (small.is_on_disk, large.is_on_disk) == (False, True) and small.fields == large.fields
    for name, array in small.read(some).items():
        assert array.tobytes() == large.read(some)[name].tobytes()


@pytest.mark.parametrize("large", [False, True])
def test_a_damaged_file_is_named(opened, tmp_path, refused, large):
    opened(large, x=np.zeros(40))
    os.truncate(tmp_path / "set" / "x.npy", 130)
    assert refused(lambda: opened(large)) == ['path: expected a readable .npy file, but "set/x.npy" is not one']


def test_a_file_that_is_cut_while_it_is_trained_on_is_named(opened, tmp_path):
    data = opened(True, x=np.zeros((100, 500)))
    os.truncate(tmp_path / "set" / "x.npy", 5000)
    with pytest.raises(BadSample, match="^set/x.npy: expected a file that stays as it is while it is trained on, but it has changed"):
        data.read(np.array([99]))
    assert data.read(np.arange(0))["x"].shape == (0, 500)  # what a shard without samples is made of
