"""idx: MNIST's format, one file of images and one of labels, plain or gzipped; a large one stays on disk.

    images    path of `train-images-idx3-ubyte` or the like; field x, (height, width, 1) for pictures of bytes, from 0 to 1
    labels    path of `train-labels-idx1-ubyte` or the like; field y, integers (); left out: no y
    scale     false: bytes stay integers 0 … 255
    split, test_fraction, split_seed, stratify: as everywhere (worker/sources/split.py)

Source: http://yann.lecun.com/exdb/mnist, "The IDX file format": two zero bytes, a code for the type of numbers, the
number of axes, the length of each in 4 bytes, then the numbers, all big-endian.
"""

import gzip
import shutil
import tempfile
import zlib
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bpcore.attributes import flag, text
from bpcore.errors import InvalidInput, Problem
from bpcore.fields import Field
from bpcore.shapes import Shape
from worker.datasets import DataRoot
from worker.errors import BadSample
from worker.sources.filed import LARGE_BYTES, Filed, Stored
from worker.sources.lazy import Files
from worker.sources.split import Source, subset

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
DAMAGE = (BadSample, OSError, EOFError, ValueError, zlib.error)


@dataclass(frozen=True)
class Idx(Source):
    images: str = text(wants="the path of an IDX file, relative to the data root")
    labels: str = text("", wants="the path of an IDX file, relative to the data root")
    scale: bool = flag(True)

    def elsewhere(self, path):
        return replace(self, images=path, labels="", split="all")

    def open_with(self, root, learned):
        arrays = {field: _open(root, getattr(self, name), name)
                  for field, name in (("x", "images"), ("y", "labels")) if getattr(self, name)}
        names = [name for name in (self.images, self.labels) if name]
        try:
            data = Pictures(arrays, Files.of([root.file(name) for name in names], names), self.scale and arrays["x"].dtype == np.uint8)
        except BadSample as error:
            raise InvalidInput([Problem("", str(error))]) from None
        return subset(data, self.rows(len(data), classes=(lambda: arrays["y"][:]) if "y" in arrays and arrays["y"].ndim == 1 else None))


class Pictures(Filed):
    """Arrays of `files`; where x is scaled, bytes of pictures are handed out as numbers from 0 to 1."""

    def __init__(self, arrays: dict[str, np.ndarray | Stored], files: Files, scales: bool):
        super().__init__(arrays, files)
        self._scales = scales
        if scales:
            self.fields["x"] = Field(_with_channel(arrays["x"].shape)[1:])

    def read(self, indices):
        batch = super().read(indices)
        if not self._scales:
            return batch
        x = batch["x"].astype(np.float32) / np.float32(255)
        return batch | {"x": x.reshape(_with_channel(x.shape))}


def _with_channel(shape: Shape) -> Shape:
    """Of pictures, which have one."""
    return (*shape, 1) if len(shape) == 3 else shape


def _open(root: DataRoot, name: str, field: str) -> np.ndarray | Stored:
    """The file's array; in the file where it is large. Raises InvalidInput."""
    path = root.file(name, field)
    try:
        with _plain(path) as file:
            dtype, shape = _head(file)
            array = Stored(file.fileno(), name, 4 + 4 * len(shape), dtype, shape)
            return array if array.nbytes >= LARGE_BYTES else array[:]
    except DAMAGE:
        raise InvalidInput([Problem(field, f'expected a whole IDX file, but "{name}" is not one')]) from None


def _plain(path: Path) -> BinaryIO:
    """The file, or what is packed in it, in a file that nobody else sees."""
    file = open(path, "rb")
    if file.read(2) != b"\x1f\x8b":
        file.seek(0)
        return file
    unpacked = tempfile.TemporaryFile()
    try:
        with file, gzip.open(path) as packed:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
    except DAMAGE:
        unpacked.close()
        raise
    unpacked.seek(0)
    return unpacked


def _head(file: BinaryIO) -> tuple[np.dtype, tuple[int, ...]]:
    """Type and shape. Raises ValueError unless the file is as long as they say."""
    start = file.read(4)
    if len(start) != 4 or start[:2] != b"\0\0" or start[2] not in TYPES or not start[3]:
        raise ValueError
    dtype = np.dtype(TYPES[start[2]])
    shape = tuple(np.frombuffer(file.read(4 * start[3]), ">u4").tolist())
    if len(shape) != start[3] or not prod(shape) or file.seek(0, 2) != 4 + 4 * len(shape) + prod(shape) * dtype.itemsize:
        raise ValueError
    return dtype, shape
