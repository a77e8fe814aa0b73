"""npy: NumPy's arrays, a file each: the file's name is the field's (x.npy, y.npy).

    path    a folder of such files, or one

A large one stays on disk, as a large npz archive does (worker/datasets/npz.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcore.attributes import text
from bpcore.fields import Field
from worker.data import known
from worker.datasets import Arrays, Format
from worker.errors import BadSample
from worker.sources.filed import LARGE_BYTES, Filed, Stored, unreadable
from worker.sources.lazy import Files

DAMAGE = (OSError, ValueError, EOFError, SyntaxError, TypeError)  # what reading a damaged file can raise, from NumPy


@dataclass(frozen=True)
class Npy(Format):
    path: str = text(wants="the path of a folder of .npy files, or of one, relative to the data root")

    def open(self, root):
        paths = root.files(self.path, {".npy"})
        files = Files.of(paths, [root.name(path) for path in paths])
        arrays = {path.stem: _array(path, name) for path, name in zip(files.paths, files.names)}
        if not any(isinstance(array, Stored) for array in arrays.values()):
            return Arrays(arrays)
        return Filed(arrays, files, {path.stem: _field(path, name, arrays[path.stem]) for path, name in zip(files.paths, files.names)})


def _array(path: Path, name: str) -> np.ndarray | Stored:
    """In the file where it is large, and rows stand together in it. Raises InvalidInput."""
    try:
        if path.stat().st_size >= LARGE_BYTES and (stored := _stored(path, name)) is not None:
            return stored
        return np.load(path, allow_pickle=False)
    except DAMAGE as error:
        raise unreadable(".npy", name, error) from None


def _stored(path: Path, name: str) -> Stored | None:
    with open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        read_head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read_head(file)
        return None if by_columns else Stored(file.fileno(), name, file.tell(), dtype, shape)


def _field(path: Path, name: str, array: np.ndarray | Stored) -> Field:
    """Found by looking through all of it, once. Raises InvalidInput."""

    def look() -> Sequence[int]:
        field = Arrays({path.stem: array}).fields[path.stem]
        return [field.integer, field.classes, field.lowest]

    try:
        return Field(array.shape[1:], *known.of(path, look))
    except BadSample as error:
        raise unreadable(".npy", name, error) from None
