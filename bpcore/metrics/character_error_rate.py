"""character_error_rate: labels to insert, drop or replace, over the number of labels in the targets.

output: (steps, classes), targets: integer labels (L,), −1 behind the end; each label is a character, or
whatever else they stand for. Decoding and weights are as in bpcore/numerics/sequences.py. Over all samples at
once, so a long one counts more; it can exceed 1.

Source: Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.metrics import Case
from bpcore.numerics.sequences import ErrorRate


@dataclass(frozen=True)
class CharacterErrorRate(ErrorRate):
    @classmethod
    def cases(cls):
        says = np.eye(4)[[[1, 1, 0, 1, 2, 0], [0, 3, 0, 0, 3, 3], [1, 2, 3, 1, 2, 3]]]  # 1 1 2; 3 3; 1 2 3 1 2 3
        wanted = np.array([[1, 2, 2, -1], [3, 3, -1, -1], [1, 2, 1, 2]])
        yield Case(cls(), says, wanted, (1 + 0 + 2) / 9)
        yield Case(cls(), says, wanted, (1 + 2 * 2) / (3 + 2 * 4), weights=np.array([1.0, 0.0, 2.0]))
        yield Case(cls(blank=3), says[1:2], np.array([[0, 0]]), 0.0)
        tags = np.array([[1, 1, 0, 2, 2, -1], [3, 0, 0, 0, 3, 3], [-1] * 6])
        yield Case(cls(decoding="argmax"), says, tags, (1 + 2) / 11)
        steps = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0], [1] * 6])
        yield Case(cls(decoding="argmax"), says, tags, 2 / 7, weights=steps)
