"""npz: one NumPy archive; each array in it is a field, sample by sample.

A large array of an archive that is not compressed (np.savez, not np.savez_compressed) stays on disk and may be larger than
memory. The system keeps what has been read, once for all ranks of a host, for as long as it has room. The samples of a step are
asked for before the first is read, so that the disk has all of them to do at once: 128 of 64 KiB took 0.8 s one after the other,
and 0.02. Such an archive is read whole once, to see that it is what was written: on each host by one rank, and not again while it
stays as it is (worker/known.py).
"""

import mmap
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from bpcore.attributes import text
from bpcore.errors import InvalidInput, Problem
from bpcore.fields import Field
from worker import known
from worker.datasets import BLOCK_BYTES, Arrays, DataRoot, Dataset, Format
from worker.sources.filed import LARGE_BYTES, Filed
from worker.sources.lazy import Files

LOCAL_HEAD = struct.Struct("<26xHH")  # in front of a member in the file: lengths of its name and of what else is said
ENCRYPTED = 1  # a flag

# What reading a damaged archive can raise, from zipfile, zlib and NumPy.
DAMAGE = (OSError, ValueError, EOFError, MemoryError, NotImplementedError, RuntimeError, SyntaxError, TypeError, struct.error,
          zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Npz(Format):
    path: str = text(wants="the path of an .npz file, relative to the data root")

    def open(self, root: DataRoot) -> Dataset:
        path = root.file(self.path)
        try:
            with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
                if not archive.files:
                    raise ValueError
                plain = _plain(archive.zip) if path.stat().st_size >= LARGE_BYTES else {}
                if not plain:
                    return Arrays({name: archive[name] for name in archive.files})
                shared = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                mapped = {name: _array(shared, file, member) for name, member in plain.items()}
                arrays = {name: mapped[name] if name in mapped else archive[name] for name in archive.files}
                files = Files.of([path], [self.path])
                found = known.of(path, lambda: _looked_through(arrays, shared, plain))
                places = {name: (0, _offset(array, shared)) for name, array in mapped.items()}
                return Filed(arrays, places, files, {name: Field(array.shape[1:], *found[name]) for name, array in arrays.items()})
        except DAMAGE:
            raise InvalidInput([Problem("path", f'expected a readable .npz file, but "{self.path}" is not one')]) from None


def _plain(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The arrays that lie in the file as they are, by name."""
    return {member.filename.removesuffix(".npy"): member for member in archive.infolist()
            if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & ENCRYPTED and member.filename.endswith(".npy")}


def _array(shared: mmap.mmap, file: BinaryIO, member: zipfile.ZipInfo) -> np.ndarray:
    """Raises one of DAMAGE."""
    file.seek(_start(shared, member))
    version = np.lib.format.read_magic(file)
    read_head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read_head(file)
    if dtype.hasobject:  # addresses of another process
        raise ValueError
    return np.ndarray(shape, dtype, shared, file.tell(), order="F" if by_columns else "C")


def _start(shared: mmap.mmap, member: zipfile.ZipInfo) -> int:
    """Where what it holds begins in the file."""
    return member.header_offset + LOCAL_HEAD.size + sum(LOCAL_HEAD.unpack_from(shared, member.header_offset))


def _offset(array: np.ndarray, shared: mmap.mmap) -> int:
    return array.ctypes.data - np.frombuffer(shared, np.uint8).ctypes.data


def _looked_through(arrays: Mapping[str, np.ndarray], shared: mmap.mmap, plain: Mapping[str, zipfile.ZipInfo]) -> dict[str, list[int]]:
    """What reading all of it says of each field. Raises InvalidInput, and one of DAMAGE."""
    for member in plain.values():
        _check(shared, member)
    fields = Arrays(arrays, looked_at=lambda: shared.madvise(mmap.MADV_DONTNEED)).fields
    return {name: [field.integer, field.classes, field.lowest] for name, field in fields.items()}


def _check(shared: mmap.mmap, member: zipfile.ZipInfo) -> None:
    """Raises BadZipFile unless the bytes are those that were written, as zipfile does for what it reads."""
    found, start = 0, _start(shared, member)
    stop = start + member.file_size
    for low in range(start, stop, BLOCK_BYTES):
        found = zlib.crc32(shared[low:min(low + BLOCK_BYTES, stop)], found)
        shared.madvise(mmap.MADV_DONTNEED, low // mmap.PAGESIZE * mmap.PAGESIZE, BLOCK_BYTES)
    if found != member.CRC:
        raise zipfile.BadZipFile
