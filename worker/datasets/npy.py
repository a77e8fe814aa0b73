"""npy: NumPy's arrays, a file each: the file's name is the field's (x.npy, y.npy).

    path    a folder of such files, or one

A large one stays on disk, as a large npz archive does (worker/datasets/npz.py).
"""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcore.attributes import text
from bpcore.errors import InvalidInput, Problem
from bpcore.fields import Field
from worker import known
from worker.datasets import Arrays, Format
from worker.sources.filed import LARGE_BYTES, Filed
from worker.sources.lazy import Files

DAMAGE = (OSError, ValueError, EOFError, SyntaxError, TypeError)  # what reading a damaged file can raise, from NumPy


@dataclass(frozen=True)
class Npy(Format):
    path: str = text(wants="the path of a folder of .npy files, or of one, relative to the data root")

    def open(self, root):
        paths = root.files(self.path, {".npy"})
        files = Files.of(paths, [root.name(path) for path in paths])
        arrays = {path.stem: _array(path, name) for path, name in zip(files.paths, files.names)}
        mapped = [isinstance(array, np.memmap) for array in arrays.values()]
        if not any(mapped):
            return Arrays(arrays)
        fields = {path.stem: _field(path, arrays[path.stem]) for path in paths}
        places = {path.stem: (number, arrays[path.stem].offset) for number, path in enumerate(paths) if mapped[number]}
        return Filed(arrays, places, files, fields)


def _array(path: Path, name: str) -> np.ndarray:
    """Mapped where it is large. Raises InvalidInput."""
    try:
        return np.load(path, "r" if path.stat().st_size >= LARGE_BYTES else None, allow_pickle=False)
    except DAMAGE:
        raise InvalidInput([Problem("path", f'expected a readable .npy file, but "{name}" is not one')]) from None


def _field(path: Path, array: np.ndarray) -> Field:
    """Found by looking through all of it, once."""

    def look() -> Mapping[str, list[int]]:
        let_go = (lambda: array._mmap.madvise(mmap.MADV_DONTNEED)) if isinstance(array, np.memmap) else lambda: None
        field = Arrays({path.stem: array}, looked_at=let_go).fields[path.stem]
        return [field.integer, field.classes, field.lowest]

    return Field(array.shape[1:], *known.of(path, look))
