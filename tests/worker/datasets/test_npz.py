"""npz: one archive of arrays, whatever its numbers' types, and no crash on a damaged one."""

import gc
import warnings
import zipfile

import numpy as np
import pytest

from bpcore.errors import InvalidInput
from bpcore.fields import Field
from worker.datasets import FORMATS, DataRoot


# np.load leaves a file that is no whole archive to the garbage collector, which warns; see the last test.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
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
