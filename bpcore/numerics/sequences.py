"""What the error rates of label sequences share: decoding, edit distance, and their sums.

A sequence is a row of labels, −1 behind its end.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import choice, integer
from bpcore.errors import expected
from bpcore.metrics import Metric
from bpcore.numerics.targets import described
from bpcore.shapes import describe


@dataclass(frozen=True)
class ErrorRate(Metric):
    """The base of character_error_rate and word_error_rate: edits over the length of the targets.

    decoding: ctc, the most likely label of each step, repeats joined, then `blank` dropped; argmax, the
    most likely label of each step that has a target, for models with a target a step. Weights: of
    samples; with argmax also of steps, where 0 leaves the step out.
    """

    decoding: str = choice("ctc", "argmax")
    blank: int = integer(0)

    def target_problem(self, output, targets):
        if len(output) != 2 or not targets.integer or len(targets.shape) != 1:
            came = f"{describe(output)} and {described(targets)}"
            return expected("an output of (steps, classes) and integer labels (L,), padded with -1", came)
        if self.decoding == "argmax" and targets.shape[0] != output[0]:
            return expected(f"a label for each of the {output[0]} steps with decoding: argmax", targets.shape[0])
        if targets.lowest < -1 or targets.classes > output[1]:
            return expected(f"labels 0 … {output[1] - 1}, and -1 behind shorter ones",
                            targets.lowest if targets.lowest < -1 else targets.classes - 1)
        return None

    def units(self, said: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sequences of what is counted: labels, or words."""
        return said, wanted

    def sums(self, output, targets, weights):
        said, wanted = self.units(*self._decoded(output, targets, weights))
        edits, lengths = edit_distances(said, wanted), (wanted >= 0).sum(axis=1)
        samples = 1.0 if weights is None or weights.ndim > 1 else weights
        return float((edits * samples).sum()), float((lengths * samples).sum())

    def _decoded(self, output: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        best = output.argmax(axis=-1)
        if self.decoding == "ctc":
            repeated = np.pad(best[:, 1:] == best[:, :-1], ((0, 0), (1, 0)))
            return packed(best, (best != self.blank) & ~repeated), targets
        counted = targets >= 0 if weights is None or weights.ndim == 1 else (targets >= 0) & (weights > 0)
        return packed(best, counted), packed(targets, counted)


def packed(labels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The wanted labels of each row moved to its front, −1 behind."""
    order = np.argsort(~wanted, axis=1, kind="stable")
    return np.take_along_axis(np.where(wanted, labels, -1), order, axis=1)


def edit_distances(said: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The least number of labels to insert, drop or replace that makes each row of one the other's (n,).

    Levenshtein's table, a row for each wanted label, all samples at once. Along a row each place costs at
    most 1 more than the one before it: a running minimum of (cost − place).
    """
    place = np.arange(said.shape[1] + 1)
    row = np.tile(place, (len(said), 1))
    for label in wanted.T:
        new = row + 1
        np.minimum(new[:, 1:], row[:, :-1] + (said != label[:, None]), out=new[:, 1:])
        new = np.minimum.accumulate(new - place, axis=1) + place
        row = np.where(label[:, None] >= 0, new, row)
    return np.take_along_axis(row, (said >= 0).sum(axis=1, keepdims=True), axis=1)[:, 0]
