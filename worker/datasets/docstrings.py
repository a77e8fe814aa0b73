"""docstrings: the documentation strings of Python's own standard library, as characters: text that every installation has.

x, y: (length,), characters and the next ones: the 95 printable ones of ASCII from 0 on, and 95 for a new line. All strings
of the library's modules, each once, an empty line between; every tenth is for `test`. `samples`: of the windows of `length`
that they make, so many at most. Other versions of Python have other strings.
"""

import ast
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from bpcore.attributes import choice, integer
from bpcore.errors import InvalidInput, Problem
from worker.datasets import Arrays, DataRoot, Dataset, Format

CHARACTERS = "".join(map(chr, range(32, 127))) + "\n"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Docstrings(Format):
    length: int = integer(64, minimum=1)
    samples: int | None = integer(None, minimum=1)
    split: str = choice("train", "test")

    def open(self, root: DataRoot) -> Dataset:
        known = {character: code for code, character in enumerate(CHARACTERS)}
        chosen = [text for i, text in enumerate(strings()) if (i % 10 == 0) == (self.split == "test")]
        codes = np.array([known[character] for character in "\n\n".join(chosen) if character in known])
        windows = np.arange(0, len(codes) - self.length, self.length)[:self.samples, None] + np.arange(self.length)
        found = Arrays({"x": codes[windows], "y": codes[windows + 1]})
        found.learned = {"characters": list(CHARACTERS)}
        return found


def library() -> Path:
    """The folder of the standard library. Raises InvalidInput where its sources are not installed."""
    folder = Path(sysconfig.get_path("stdlib"))
    if not (folder / "ast.py").is_file():
        raise InvalidInput([Problem("", "expected the sources of Python's standard library to be installed")])
    return folder


@lru_cache(1)  # for training and test alike
def strings() -> list[str]:
    """All of them in the order of modules and lines, each once."""
    found: dict[str, None] = {}
    for file in sorted(library().glob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, DOCUMENTED)]
        found |= dict.fromkeys(text for node in nodes if (text := ast.get_docstring(node)))
    return list(found)
