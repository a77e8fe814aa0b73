"""npz: one archive of arrays, whatever its numbers' types, and no crash on a damaged one."""

import gc
import os
import re
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bpcore.errors import InvalidInput
from bpcore.fields import Field
from worker.datasets import FORMATS, DataRoot
from worker.datasets import npz as npz_format
from worker.errors import BadSample
from worker.sources.filed import Stored


# np.load leaves a file that is no whole archive to the garbage collector, which warns; see the last test.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True, scope="module")
def collected():
    yield
    gc.collect()


@pytest.fixture
def opened(tmp_path):
    return lambda path, **names: FORMATS.build({"npz": {"path": path, **names}}).open(DataRoot(tmp_path))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8"])
def test_numbers_of_any_type_are_read_as_float32(npz, opened, dtype):
    numbers = np.arange(12).reshape(6, 2).astype(dtype)
    x = opened(npz(x=numbers, y=np.arange(6))).read(np.arange(6))["x"]
    assert x.dtype == np.float32
    assert x.tolist() == numbers.astype(float).tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_keep_their_type(npz, opened, dtype):
    data = opened(npz(y=np.arange(50).astype(dtype)))
    assert (data.fields["y"], data.read(np.arange(2))["y"].dtype) == (Field((), True, 50, 0), dtype)


def test_a_compressed_archive_reads_the_same(tmp_path, npz, opened):
    plain = opened(npz())
    whole = plain.read(np.arange(len(plain)))
    np.savez_compressed(tmp_path / "small.npz", **whole)
    packed = opened("small.npz").read(np.arange(len(plain)))
    assert all(packed[name].tobytes() == array.tobytes() for name, array in whole.items())


def test_each_array_is_a_field_of_its_name(npz, opened):
    data = opened(npz(images=np.ones((3, 2, 2, 1)), labels=np.arange(3)))
    assert (data.fields["images"].shape, data.fields["labels"].classes, len(data)) == ((2, 2, 1), 3, 3)


@pytest.mark.parametrize(("attributes", "text"), [
    ({}, "npz.path: expected the path of an .npz file, relative to the data root, but it is missing"),
    ({"path": ""}, 'npz.path: expected the path of an .npz file, relative to the data root, got ""'),
    ({"path": 5}, "npz.path: expected the path of an .npz file, relative to the data root, got 5"),
    ({"path": "a", "pth": "x"}, 'npz.pth: unknown attribute "pth"; did you mean path? known: path'),
])
def test_an_attribute_that_does_not_fit(refused, attributes, text):
    assert refused(lambda: FORMATS.build({"npz": attributes})) == [text]


def test_a_file_cut_anywhere_is_refused(tmp_path, npz, opened):
    whole = (tmp_path / npz(samples=3)).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        with pytest.raises(InvalidInput, match='path: expected a readable .npz file, but "cut.npz" is not one'):
            opened("cut.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_byte_anywhere_is_refused_or_harmless(tmp_path, opened, save):
    save(tmp_path / "whole.npz", x=np.ones((3, 2)), y=np.arange(3))
    whole = (tmp_path / "whole.npz").read_bytes()
    for place in range(len(whole)):
        (tmp_path / "bad.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 0x80]) + whole[place + 1:])
        try:
            assert len(opened("bad.npz")) == 3
        except InvalidInput:
            pass


def test_a_header_that_promises_terabytes_is_refused(tmp_path, opened):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        for name in ("x.npy", "y.npy"):
            archive.writestr(name, b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(InvalidInput, match='path: expected a readable .npz file, but "huge.npz" is not one'):
        opened("huge.npz")


def test_inputs_beyond_float32_are_refused(npz, opened):
    with pytest.raises(InvalidInput, match="x: expected finite numbers"):
        opened(npz(x=np.full((50, 4), 1e300)))


def test_a_refused_file_is_closed(tmp_path, opened):
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 cut off")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(InvalidInput):
            opened("bad.npz")
        gc.collect()
    assert [str(warning.message) for warning in seen] == []


# Archives that are large enough to stay on disk; here, all are.


@pytest.fixture
def mapped(monkeypatch, tmp_path):
    """`mapped(x=…)`: the same, opened where it stays on disk."""
    monkeypatch.setattr("worker.datasets.npz.LARGE_BYTES", 0)
    monkeypatch.setattr("worker.sources.filed.LARGE_BYTES", 0)

    def make(save=np.savez, **arrays):
        save(tmp_path / "large.npz", **arrays)
        return FORMATS.build({"npz": {"path": "large.npz"}}).open(DataRoot(tmp_path))

    return make


NUMBERS = np.arange(60, dtype=np.float32).reshape(12, 5)


@pytest.mark.parametrize("x", [NUMBERS, NUMBERS.astype(">f8"), NUMBERS.astype(np.uint8), np.asfortranarray(NUMBERS)],
                         ids=["float32", "other bytes", "integers", "by columns"])
def test_a_mapped_archive_reads_the_same(mapped, x):
    small, some = mapped(save=np.savez_compressed, x=x, y=np.arange(12)), np.array([7, 0, 7, 11])
    large = mapped(x=x, y=np.arange(12))
    assert (small.is_on_disk, large.is_on_disk, large.fields) == (False, True, small.fields)
    for name, array in small.read(some).items():
        found = large.read(some)[name]
        assert (found.tobytes(), found.dtype, type(found)) == (array.tobytes(), array.dtype, np.ndarray)


def test_compressed_arrays_are_held_in_memory(mapped):
    assert not mapped(save=np.savez_compressed, x=NUMBERS).is_on_disk


def test_the_file_is_not_in_memory(mapped):
    assert isinstance(mapped(x=NUMBERS)._arrays["x"], Stored)


def test_the_disk_is_asked_for_all_samples_before_one_is_read(mapped, monkeypatch):
    x, asked = np.arange(8000, dtype=np.float32).reshape(4, 2000), []
    data, read = mapped(x=x, y=np.arange(4)), os.preadv
    monkeypatch.setattr(os, "posix_fadvise", lambda file, start, size, advice: asked.append(("ask", start, size)))
    monkeypatch.setattr(os, "preadv", lambda file, rooms, start: asked.append(("read", start, len(rooms[0]))) or read(file, rooms, start))
    assert data.read(np.array([3, 1]))["x"].tolist() == x[[3, 1]].tolist()
    first = data._arrays["x"]._start
    assert asked[:4] == [(what, first + row * 8000, 8000) for what in ("ask", "read") for row in (3, 1)]


@pytest.mark.parametrize("place", [200, -400])
def test_a_changed_byte_of_a_mapped_archive_is_noticed(mapped, tmp_path, refused, place):
    mapped(x=np.zeros((100, 5), np.float32))
    data = bytearray((tmp_path / "large.npz").read_bytes())
    data[place] ^= 1
    (tmp_path / "large.npz").write_bytes(data)
    found = refused(lambda: FORMATS.build({"npz": {"path": "large.npz"}}).open(DataRoot(tmp_path)))
    assert found == ['path: expected a readable .npz file, but "large.npz" is not one']


def test_a_mapped_archive_cut_anywhere_is_refused(mapped, tmp_path):
    mapped(x=NUMBERS)
    whole = (tmp_path / "large.npz").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "large.npz").write_bytes(whole[:length])
        with pytest.raises(InvalidInput):
            FORMATS.build({"npz": {"path": "large.npz"}}).open(DataRoot(tmp_path))


def test_a_mapped_archive_that_is_cut_while_it_is_trained_on_is_named(mapped, tmp_path):
    data = mapped(x=np.zeros((100, 500), np.float32))
    os.truncate(tmp_path / "large.npz", 5000)
    with pytest.raises(BadSample, match="^large.npz: expected sample 99, but the file ends before it"):  # cut behind the look at its size
        data._arrays["x"].take(np.array([0, 99]), 0)
    with pytest.raises(BadSample, match="^large.npz: expected a file that stays as it is while it is trained on, but it has changed"):
        data.read(np.array([99]))


def test_an_archive_that_is_cut_while_it_is_looked_through_is_refused(mapped, tmp_path, refused, monkeypatch):
    """Touching a map of it would end the process, a coordinator's, too."""
    check = npz_format._check
    monkeypatch.setattr(npz_format, "_check", lambda file, member: (check(file, member), os.truncate(tmp_path / "large.npz", 5000)))
    assert refused(lambda: mapped(x=np.zeros((100, 500), np.float32))) == ['path: expected a readable .npz file, but "large.npz" is not one']


def test_reading_a_sample_does_not_copy_the_array(tmp_path):
    np.savez(tmp_path / "large.npz", x=np.zeros((4200, 4096), np.float32))
    data = FORMATS.build({"npz": {"path": "large.npz"}}).open(DataRoot(tmp_path))
    assert data.is_on_disk
    tracemalloc.start()
    data.read(np.arange(8))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * 8 * 4096 * 4


def test_what_has_been_read_is_let_go(mapped):
    """Of 64 MiB, all looked through and all read, next to nothing is in this process's memory."""
    data, before = mapped(x=np.zeros((64, 1 << 18), np.float32)), held_bytes()
    for i in range(64):
        data.read(np.array([i]))
    assert held_bytes() - before < 1 << 23


def held_bytes():
    return int(re.search(r"RssFile:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024


def test_addresses_are_not_taken_for_numbers(mapped):
    with pytest.raises(InvalidInput, match="holds Python objects: text among numbers"):
        mapped(x=np.array([{}, []], dtype=object))
