"""Error rates, by their definition in plain Python."""

import functools
import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bpcore.metrics.character_error_rate import CharacterErrorRate
from bpcore.metrics.word_error_rate import WordErrorRate
from bpcore.numerics.sequences import edit_distances
from tests.parity.drawn_metrics import EXAMPLES, generators, normal, value, weights_for


def levenshtein(a, b):
    """As it is written in the textbooks."""

    @functools.cache
    def edits(i, j):
        if not i or not j:
            return i + j
        return min(edits(i - 1, j) + 1, edits(i, j - 1) + 1, edits(i - 1, j - 1) + (a[i - 1] != b[j - 1]))

    return edits(len(a), len(b))


def padded(random, n, longest, labels):
    array = random.choice(labels, (n, longest))
    for row, length in zip(array, random.integers(0, longest + 1, n)):
        row[length:] = -1
    return array


def read(row, decoding, blank):
    """A row of most likely labels as a list."""
    return [label for label, _ in itertools.groupby(row) if label != blank] if decoding == "ctc" else list(row)


def words(labels, space):
    text = "".join(" " if label == space else chr(97 + label) for label in labels)
    return text.split()


@EXAMPLES
@given(generators, st.integers(1, 5), st.integers(1, 12), st.integers(2, 4), st.sampled_from(["ctc", "argmax"]))
def test_error_rates_are_the_edits_over_the_length(same, random, n, steps, classes, decoding):
    blank, space = random.permutation(classes)[:2]
    output = normal(random, (n, steps, classes))
    targets = padded(random, n, steps if decoding == "argmax" else random.integers(1, 14), [i for i in range(classes) if i != blank])
    weights = weights_for(random, n)
    counted = [int((row >= 0).sum()) for row in targets]
    said = [read(row[:length] if decoding == "argmax" else row, decoding, blank) for row, length in zip(output.argmax(-1), counted)]
    wanted = [list(row[:length]) for row, length in zip(targets, counted)]
    shares = np.ones(n) if weights is None else weights.astype(np.float64)
    for metric, pairs in ((CharacterErrorRate(decoding, blank), list(zip(said, wanted))),
                          (WordErrorRate(decoding, blank, space=space), [(words(a, space), words(b, space)) for a, b in zip(said, wanted)])):
        edits = sum(share * levenshtein(tuple(a), tuple(b)) for share, (a, b) in zip(shares, pairs))
        length = sum(share * len(b) for share, (_, b) in zip(shares, pairs))
        if length:
            same(metric, output, targets, weights, edits / length, "formula")
        else:
            assert math.isnan(value(metric, output, targets, weights))


@EXAMPLES
@given(generators, st.integers(0, 5), st.integers(0, 9), st.integers(0, 9))
def test_edit_distances_are_levenshteins(random, n, longest, other):
    a, b = padded(random, n, longest, [0, 1, 2]), padded(random, n, other, [0, 1, 2])
    wanted = [levenshtein(tuple(x[x >= 0]), tuple(y[y >= 0])) for x, y in zip(a, b)]
    assert edit_distances(a, b).tolist() == wanted


def test_the_edits_from_kitten_to_sitting_are_three():
    a, b = (np.array([[ord(letter) for letter in word]]) for word in ("kitten", "sitting"))
    assert edit_distances(a, b).tolist() == edit_distances(b, a).tolist() == [3]
