"""A model's outputs as answers for people, by the loss that it was trained with.

    labels (softmax_cross_entropy, softmax_focal, multi_margin)    class by name, and its probability (for the first two)
    yes or no (sigmoid_cross_entropy, focal)                       probability of yes
    ctc                                                            text
    others                                                         the numbers
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from bpcore.errors import InvalidInput, Problem, expected
from bpcore.numerics.logits import log_softmax, sigmoid
from bpcore.shapes import Shape
from worker.sources.vocabulary import Vocabulary

MOST_COLUMNS = 1000
PROBABLE = {"softmax_cross_entropy", "softmax_focal"}
LABELS, YES_NO = PROBABLE | {"multi_margin"}, {"sigmoid_cross_entropy", "focal"}


class Answers:
    """`loss`: its name; `shape`: of one output; `learned`: of the training data; `blank`: of ctc; `target`: the field that the output
    was compared with."""

    def __init__(self, loss: str, shape: Shape, learned: Mapping[str, Any], blank: int = 0, target: str = "y"):
        self._loss, self._learned, self._blank, self._target = loss, learned, blank, target
        self._is_text = loss == "ctc" and "characters" in learned or loss in LABELS and len(shape) == 2 and "vocabulary" in learned
        if not self._is_text and (loss not in LABELS or len(shape) > 1) and prod(shape) > MOST_COLUMNS:
            raise InvalidInput([Problem("output", expected(f"a file that ends in .npy for more than {MOST_COLUMNS} numbers a sample", prod(shape)))])
        self.columns = self._columns(shape)

    def _columns(self, shape: Shape) -> list[str]:
        if self._is_text:
            return ["text"]
        if self._loss in LABELS and len(shape) == 1:
            return ["class", "probability"] if self._loss in PROBABLE else ["class"]
        title = "probability" if self._loss in YES_NO else "output"
        return [title] if prod(shape) == 1 else [f"{title}_{'_'.join(map(str, place))}" for place in np.ndindex(*shape)]

    def rows(self, outputs: np.ndarray) -> Iterator[Sequence[Any]]:
        """One for each of (n, *shape)."""
        if self._is_text:
            yield from ([self._text(each)] for each in outputs.argmax(axis=-1))
        elif self._loss in LABELS and outputs.ndim == 2:
            best = outputs.argmax(axis=1)
            shares = np.exp(log_softmax(outputs))[np.arange(len(best)), best]
            yield from ([self._class(int(label)), f"{share:.6g}"][:len(self.columns)] for label, share in zip(best, shares))
        else:
            numbers = sigmoid(outputs) if self._loss in YES_NO else outputs
            yield from ([f"{number:.7g}" for number in row] for row in numbers.reshape(len(numbers), -1))

    def likeliest(self, outputs: np.ndarray, most: int) -> Iterator[list[tuple[str | int, float]]]:
        """Of each of (n, classes): class and probability, the likeliest first, so many at most; none of what has no probabilities."""
        if self._loss not in PROBABLE or outputs.ndim != 2 or not most:
            yield from ([] for _ in outputs)
            return
        shares = np.exp(log_softmax(outputs))
        for each, order in zip(shares, np.argsort(-shares, axis=1, kind="stable")[:, :most]):
            yield [(self._class(int(label)), float(each[label])) for label in order]

    def _class(self, label: int) -> str | int:
        names = self._learned.get("classes") or self._learned.get("texts", {}).get(self._target, ())
        return names[label] if label < len(names) else label

    def _text(self, labels: np.ndarray) -> str:
        if self._loss != "ctc":
            return Vocabulary(self._learned["vocabulary"]).decoded(labels.tolist())
        joined = labels[np.flatnonzero(np.diff(labels, prepend=-1))]
        return "".join(self._learned["characters"][label - 1] for label in joined if label != self._blank)
