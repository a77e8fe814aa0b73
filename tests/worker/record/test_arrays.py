"""Files of arrays: what the safetensors library reads is what was written."""

import hashlib

import numpy as np
from safetensors.numpy import load_file

from worker.record import arrays

WRITTEN = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a.weight": np.array([np.nan, -0.0, 1e-45], np.float32),
           "scalar": np.array(3, np.float32), "none": np.zeros((0, 4), np.float32), "größe": np.ones(5, np.float32)}


def test_the_library_reads_what_was_written(tmp_path):
    arrays.write(tmp_path / "x", WRITTEN)
    found = load_file(tmp_path / "x")
    assert {name: (array.shape, array.tobytes()) for name, array in found.items()} == {
        name: (array.shape, array.tobytes()) for name, array in WRITTEN.items()}


def test_the_sum_is_that_of_the_file(tmp_path):
    large = {"x": np.arange(arrays.AT_A_TIME_BYTES // 4 + 7, dtype=np.float32)}
    assert arrays.write(tmp_path / "x", large) == hashlib.sha256((tmp_path / "x").read_bytes()).hexdigest()
    assert (load_file(tmp_path / "x")["x"] == large["x"]).all()
