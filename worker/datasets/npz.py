"""npz: one NumPy archive with an array of inputs and an array of targets, sample by sample."""

import zipfile
import zlib
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import text, unknown
from bpcore.errors import InvalidInput, Problem
from worker.datasets import Arrays, DataRoot, Dataset, Format


# What reading a damaged archive can raise, from zipfile, zlib and NumPy.
DAMAGE = (OSError, ValueError, EOFError, MemoryError, NotImplementedError, RuntimeError, SyntaxError, TypeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Npz(Format):
    path: str = text(wants="the path of an .npz file, relative to the data root")
    inputs: str = text("x", wants="the name of an array in the file")
    targets: str = text("y", wants="the name of an array in the file")

    def open(self, root: DataRoot) -> Dataset:
        path = root.file(self.path)
        try:
            with open(path, "rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
                problems = [Problem(field, unknown(name, archive.files, "array"))
                            for field, name in (("inputs", self.inputs), ("targets", self.targets)) if name not in archive.files]
                if problems:
                    raise InvalidInput(problems)
                return Arrays(archive[self.inputs], archive[self.targets])
        except DAMAGE:
            raise InvalidInput([Problem("path", f'expected a readable .npz file, but "{self.path}" is not one')]) from None
