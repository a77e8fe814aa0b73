"""npz: one NumPy archive; each array in it is a field, sample by sample.

An array of a large archive that is not compressed (np.savez, not np.savez_compressed) stays on disk and is mapped into
memory: all ranks of a host share what has been read, and it may be larger than memory. Of what has been read, a process
lets go every HELD_BYTES; the pages stay where the system keeps them, for as long as it has room. Samples are asked for before they
are touched, so that the disk has all of them to do at once: 128 of 64 KiB took 0.8 s one page after the other, and 0.02.
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
from worker.datasets import BLOCK_BYTES, Arrays, DataRoot, Dataset, Format
from worker.sources.lazy import Files

LARGE_BYTES = 1 << 26  # below it a copy for each rank does no harm
HELD_BYTES = 1 << 28  # of the map, in the memory of a process
AROUND_BYTES = 1 << 18  # what Linux 6.18 was seen to map around a place that is touched
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
                return Mapped(arrays, shared, Files.of([path], [self.path]))
        except DAMAGE:
            raise InvalidInput([Problem("path", f'expected a readable .npz file, but "{self.path}" is not one')]) from None


class Mapped(Arrays):
    """Some of the arrays lie in `shared`, a map of the one of `files`."""

    def __init__(self, arrays: Mapping[str, np.ndarray], shared: mmap.mmap, files: Files):
        self._shared, self._held = shared, 0
        super().__init__(arrays, is_on_disk=True, looked_at=lambda: self._let_go(BLOCK_BYTES))
        self._files = files
        begin = np.frombuffer(shared, np.uint8).ctypes.data
        inside = [array for array in arrays.values() if array.base is shared and array.flags.c_contiguous]
        self._rows = [(array.ctypes.data - begin, array.strides[0]) for array in inside]

    def read(self, indices):
        self._files.unchanged(0)  # reading behind the end of a file that was cut would end the process
        for start, size in self._rows:
            for index in indices.tolist():
                low = (start + index * size) // mmap.PAGESIZE * mmap.PAGESIZE
                self._shared.madvise(mmap.MADV_WILLNEED, low, start + (index + 1) * size - low)
        # Not `take`, which copies all of an array first where its numbers do not begin at a multiple of their size.
        batch = {name: array[indices] if self._ready[name] else array[indices].astype(np.float32) for name, array in self._arrays.items()}
        self._let_go(sum(array.nbytes for array in batch.values()) + len(indices) * len(self._rows) * AROUND_BYTES)
        return batch

    def _let_go(self, read_bytes: int) -> None:
        """So much more has been read. Whoever reads at the same time has it read again, and the same."""
        self._held += read_bytes
        if self._held > HELD_BYTES:
            self._shared.madvise(mmap.MADV_DONTNEED)
            self._held = 0


def _plain(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The arrays that lie in the file as they are, by name."""
    return {member.filename.removesuffix(".npy"): member for member in archive.infolist()
            if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & ENCRYPTED and member.filename.endswith(".npy")}


def _array(shared: mmap.mmap, file: BinaryIO, member: zipfile.ZipInfo) -> np.ndarray:
    """Raises one of DAMAGE."""
    file.seek(member.header_offset)
    start = member.header_offset + LOCAL_HEAD.size + sum(LOCAL_HEAD.unpack(file.read(LOCAL_HEAD.size)))
    _check(shared, start, member)
    file.seek(start)
    version = np.lib.format.read_magic(file)
    read_head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read_head(file)
    if dtype.hasobject:  # addresses of another process
        raise ValueError
    return np.ndarray(shape, dtype, shared, file.tell(), order="F" if by_columns else "C")


def _check(shared: mmap.mmap, start: int, member: zipfile.ZipInfo) -> None:
    """Raises BadZipFile unless the bytes are those that were written, as zipfile does for what it reads."""
    found, stop = 0, start + member.file_size
    for low in range(start, stop, BLOCK_BYTES):
        found = zlib.crc32(shared[low:min(low + BLOCK_BYTES, stop)], found)
        shared.madvise(mmap.MADV_DONTNEED, low // mmap.PAGESIZE * mmap.PAGESIZE, BLOCK_BYTES)
    if found != member.CRC:
        raise zipfile.BadZipFile
