"""npz: one NumPy archive; each array in it is a field, sample by sample.

A large array of an archive that is not compressed (np.savez, not np.savez_compressed) stays on disk and may be larger than
memory. The system keeps what has been read, once for all ranks of a host, for as long as it has room. The samples of a step are
asked for before the first is read, so that the disk has all of them to do at once: 128 of 64 KiB took 0.8 s one after the other,
and 0.02. Such an archive is read whole once, to see that it is what was written: on each host by one rank, and not again while it
stays as it is (worker/data/known.py).
"""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from bpcore.attributes import text
from bpcore.fields import Field
from worker.data import known
from worker.datasets import BLOCK_BYTES, Arrays, DataRoot, Dataset, Format
from worker.errors import BadSample
from worker.sources.filed import LARGE_BYTES, Filed, Stored, unreadable
from worker.sources.lazy import Files

LOCAL_HEAD = struct.Struct("<26xHH")  # in front of a member in the file: lengths of its name and of what else is said
ENCRYPTED = 1  # a flag

# What reading a damaged archive can raise, from zipfile, zlib and NumPy, and where it is cut meanwhile.
DAMAGE = (BadSample, OSError, ValueError, EOFError, MemoryError, NotImplementedError, RuntimeError, SyntaxError, TypeError, struct.error,
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
                plain = _plain(archive.zip, file, self.path) if path.stat().st_size >= LARGE_BYTES else {}
                arrays = {name: plain[name][0] if name in plain else archive[name] for name in archive.files}
                if not plain:
                    return Arrays(arrays)
                found = known.of(path, lambda: _looked_through(arrays, file, [member for _, member in plain.values()]))
                return Filed(arrays, Files.of([path], [self.path]), {name: Field(array.shape[1:], *found[name]) for name, array in arrays.items()})
        except DAMAGE as error:
            raise unreadable(".npz", self.path, error) from None


def _plain(archive: zipfile.ZipFile, file: BinaryIO, name: str) -> dict[str, tuple[Stored, zipfile.ZipInfo]]:
    """The large arrays that lie in the file as they are, row by row. Raises one of DAMAGE."""
    members = [member for member in archive.infolist() if member.file_size >= LARGE_BYTES and member.filename.endswith(".npy")
               and member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & ENCRYPTED]
    found = {member.filename.removesuffix(".npy"): (_stored(file, name, member), member) for member in members}
    return {field: (array, member) for field, (array, member) in found.items() if array is not None}


def _stored(file: BinaryIO, name: str, member: zipfile.ZipInfo) -> Stored | None:
    """None where columns, not rows, stand together. Raises one of DAMAGE."""
    file.seek(_start(file, member))
    version = np.lib.format.read_magic(file)
    read_head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read_head(file)
    array = Stored(file.fileno(), name, file.tell(), dtype, shape)
    return None if by_columns else array


def _start(file: BinaryIO, member: zipfile.ZipInfo) -> int:
    """Where what it holds begins in the file."""
    head = os.pread(file.fileno(), LOCAL_HEAD.size, member.header_offset)
    return member.header_offset + LOCAL_HEAD.size + sum(LOCAL_HEAD.unpack(head))


def _looked_through(arrays: Mapping[str, np.ndarray | Stored], file: BinaryIO, members: Iterable[zipfile.ZipInfo]) -> dict[str, list[int]]:
    """What reading all of it says of each field. Raises InvalidInput, and one of DAMAGE."""
    for member in members:
        _check(file, member)
    return {name: [field.integer, field.classes, field.lowest] for name, field in Arrays(arrays).fields.items()}


def _check(file: BinaryIO, member: zipfile.ZipInfo) -> None:
    """Raises BadZipFile unless the bytes are those that were written, as zipfile does for what it reads."""
    found, start = 0, _start(file, member)
    stop = start + member.file_size
    for low in range(start, stop, BLOCK_BYTES):
        found = zlib.crc32(os.pread(file.fileno(), min(BLOCK_BYTES, stop - low), low), found)
    if found != member.CRC:
        raise zipfile.BadZipFile
