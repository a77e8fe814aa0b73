"""What is known of a file is known once, until it changes."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from worker.data import known
from worker.datasets import FORMATS, DataRoot


@pytest.fixture
def file(tmp_path, monkeypatch):
    """One whose times are long ago."""
    monkeypatch.setenv("BPTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(known, "SETTLED_S", -1.0)  # its time of change cannot be set
    (tmp_path / "file").write_text("some")
    return tmp_path / "file"


class Look:
    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1
        time.sleep(0.01)  # others come meanwhile
        return [self.count]


def test_many_who_ask_at_once_are_told_what_one_has_found(file):
    look = Look()
    with ThreadPoolExecutor(4) as pool:
        assert [each.result() for each in [pool.submit(known.of, file, look) for _ in range(8)]] == [[1]] * 8


def test_another_size_or_time_is_another_file(file):
    look = Look()
    assert known.of(file, look) == known.of(file, look) == [1]
    os.utime(file, (1, 1))
    assert known.of(file, look) == [2]
    file.write_text("other")
    assert known.of(file, look) == [3]


def test_nothing_is_kept_of_a_file_that_was_written_a_moment_ago(file, monkeypatch):
    monkeypatch.setattr(known, "SETTLED_S", 1e9)
    look = Look()
    assert [known.of(file, look) for _ in range(2)] == [[1], [2]]


def test_what_was_not_written_to_its_end_is_found_out_again(file, tmp_path):
    look = Look()
    known.of(file, look)
    next((tmp_path / "cache" / "known").iterdir()).write_text("[1")
    assert known.of(file, look) == known.of(file, look) == [2]


def test_what_is_wrong_is_not_kept(file):
    with pytest.raises(ZeroDivisionError):
        known.of(file, lambda: 1 / 0)
    assert known.of(file, lambda: "right") == "right"


def test_a_cache_that_cannot_be_is_no_reason_to_fail(file, monkeypatch):
    monkeypatch.setenv("BPTRAIN_CACHE", str(file / "below"))
    assert known.of(file, lambda: 7) == 7


def test_a_large_archive_is_looked_through_once(file, tmp_path, monkeypatch):
    monkeypatch.setattr("worker.datasets.npz.LARGE_BYTES", 0)
    np.savez(tmp_path / "large.npz", x=np.ones((5, 2), np.float32), y=np.arange(5))
    open_it = FORMATS.build({"npz": {"path": "large.npz"}}).open
    first = open_it(DataRoot(tmp_path))
    monkeypatch.setattr("worker.datasets.npz._check", lambda *arguments: pytest.fail("it is read again"))
    again = open_it(DataRoot(tmp_path))
    assert again.fields == first.fields and again.read(np.array([4]))["y"].tolist() == [4]
