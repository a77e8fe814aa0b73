"""word_error_rate: words to insert, drop or replace, over the number of words in the targets.

output: (steps, classes), targets: integer labels (L,), −1 behind the end. Words are what stands between
labels `space`. Decoding and weights are as in bpcore/numerics/sequences.py. Where each label is a word by itself,
this is character_error_rate.

Source: Jelinek, "Statistical methods for speech recognition", 1997, section 1.6.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from bpcore.attributes import integer
from bpcore.metrics import Case
from bpcore.numerics.sequences import ErrorRate


@dataclass(frozen=True, kw_only=True)
class WordErrorRate(ErrorRate):
    space: int = integer()

    def units(self, said, wanted):
        """Each word as a number, the same for the same word."""
        numbers: dict[tuple[int, ...], int] = {}
        rows = [*said.tolist(), *wanted.tolist()]
        sentences = [[numbers.setdefault(word, len(numbers)) for word in self._words(row)] for row in rows]
        array = np.full((len(sentences), max(map(len, sentences), default=0)), -1)
        for row, sentence in zip(array, sentences):
            row[:len(sentence)] = sentence
        return array[:len(said)], array[len(said):]

    def _words(self, labels: list[int]) -> Iterator[tuple[int, ...]]:
        for between, word in groupby((label for label in labels if label >= 0), lambda label: label == self.space):
            if not between:
                yield tuple(word)

    @classmethod
    def cases(cls):
        says = np.eye(4)[[[2, 1, 3, 0, 3, 1, 2], [1, 2, 0, 1, 3, 3, 1]]]  # 2 | 33 | 2 and 2 | 3
        wanted = np.array([[2, 1, 3, 3, -1, -1], [1, 2, 3, 1, 1, 3]])  # 2 | 33 and 23 | 3
        yield Case(cls(space=1), says, wanted, (1 + 1) / 4)
        yield Case(cls(space=1), says, wanted, (3 + 1) / (3 * 2 + 2), weights=np.array([3.0, 1.0]))
        tags = np.array([[2, 1, 3, 2, 3, -1, -1], [1, 2, 2, 1, 3, 1, 3]])  # 2 | 323 and 22 | 3 | 3; says 2 | 303 and 20 | 33
        yield Case(cls(space=1, decoding="argmax"), says, tags, (1 + 3) / 5)
