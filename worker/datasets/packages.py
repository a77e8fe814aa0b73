"""packages: words from the sources of packages of Python's standard library, and which package they are from.

x: (length,), words in their order, code and comments alike: 0 for a rare one, else its rank among the `vocabulary` most
frequent ones of `train`; y: the package, by its place in PACKAGES. A word is what letters make, in lower case; the packages'
names are left out. Windows do not overlap; every fifth is for `test`: the same files, other places in them. `samples`: so many
at most, taken evenly. Other versions of Python have other words.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bpcore.attributes import choice, integer
from worker.datasets import Arrays, DataRoot, Dataset, Format
from worker.datasets.docstrings import library

PACKAGES = ("asyncio", "ctypes", "email", "importlib", "logging", "multiprocessing", "unittest", "xml")
WORD = re.compile("[a-z]+")


@dataclass(frozen=True)
class Packages(Format):
    length: int = integer(32, minimum=1)
    vocabulary: int = integer(2000, minimum=2)
    samples: int | None = integer(None, minimum=1)
    split: str = choice("train", "test")

    def open(self, root: DataRoot) -> Dataset:
        windows = [(text[i:i + self.length], label) for label, text in enumerate(map(words, PACKAGES))
                   for i in range(0, len(text) - self.length + 1, self.length)]
        train, test = [window for i, window in enumerate(windows) if i % 5], windows[::5]
        ranked = Counter(word for text, _ in train for word in text).most_common(self.vocabulary - 1)
        rank = {word: i for i, (word, _) in enumerate(ranked, 1)}
        chosen = train if self.split == "train" else test
        chosen = chosen[::-(-len(chosen) // self.samples)] if self.samples else chosen
        x = np.array([[rank.get(word, 0) for word in text] for text, _ in chosen])
        return Arrays({"x": x, "y": np.array([label for _, label in chosen])})


@lru_cache(len(PACKAGES))  # for training and test alike
def words(package: str) -> list[str]:
    """Of all its files but its tests, in order."""
    folder = library() / package
    files = [file for file in sorted(folder.rglob("*.py")) if "test" not in file.relative_to(folder).parts]
    return [word for file in files for word in WORD.findall(file.read_text(errors="ignore").lower()) if word not in PACKAGES]
