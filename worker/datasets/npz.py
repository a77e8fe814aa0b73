"""npz: one NumPy archive; each array in it is a field, sample by sample."""

import zipfile
import zlib
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import text
from bpcore.errors import InvalidInput, Problem
from worker.datasets import Arrays, DataRoot, Dataset, Format


# What reading a damaged archive can raise, from zipfile, zlib and NumPy.
DAMAGE = (OSError, ValueError, EOFError, MemoryError, NotImplementedError, RuntimeError, SyntaxError, TypeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Npz(Format):
    path: str = text(wants="the path of an .npz file, relative to the data root")

    def open(self, root: DataRoot) -> Dataset:
        path = root.file(self.path)
        try:
            with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
                if not archive.files:
                    raise ValueError
                return Arrays({name: archive[name] for name in archive.files})
        except DAMAGE:
            raise InvalidInput([Problem("path", f'expected a readable .npz file, but "{self.path}" is not one')]) from None
