"""Every metric against scikit-learn's, or against its definition in plain Python; and what holds for all."""

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.fields import Field
from bpcore.metrics import METRICS
from bpcore.metrics.accuracy import Accuracy
from bpcore.metrics.auc import Auc
from bpcore.metrics.balanced_accuracy import BalancedAccuracy
from bpcore.metrics.box_iou import BoxIou
from bpcore.metrics.character_error_rate import CharacterErrorRate
from bpcore.metrics.episode_return import EpisodeReturn
from bpcore.metrics.exact_match import ExactMatch
from bpcore.metrics.mae import Mae
from bpcore.metrics.perplexity import Perplexity
from bpcore.metrics.r2 import R2
from bpcore.metrics.relative_rmse import RelativeRmse
from bpcore.metrics.rmse import Rmse
from bpcore.metrics.top_k_accuracy import TopKAccuracy
from bpcore.metrics.word_error_rate import WordErrorRate
from bpcore.sequences import edit_distances

CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in METRICS.types.items() for i, case in enumerate(kind.cases())]
ALL = pytest.mark.parametrize("case", CASES)
EXAMPLES = settings(derandomize=True, max_examples=25, deadline=None)
PER_CLASS = {"precision": "precision_score", "recall": "recall_score", "f1": "f1_score", "iou": "jaccard_score"}
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
n_samples = st.integers(1, 30)


@pytest.fixture(scope="module")
def sklearn():
    return pytest.importorskip("sklearn.metrics", reason="needs scikit-learn: pip install 'bptrain[local]'")


def weights_for(random, n):
    """Weights over 0, or none: a class whose samples all count nothing does not occur for us, but does for scikit-learn."""
    return random.choice([0.25, 0.5, 1, 2], n).astype(np.float32) if random.random() < 0.6 else None


def normal(random, shape, digits=None):
    """Numbers that float32 has exactly, some of them equal when rounded."""
    drawn = random.standard_normal(shape)
    return (drawn if digits is None else drawn.round(digits)).astype(np.float32).astype(np.float64)


def scores_and_labels(random, n, classes):
    """`n`: how many, or a shape."""
    shape = np.atleast_1d(n)
    return normal(random, (*shape, classes), 1), random.integers(0, classes, shape)


def value(metric, output, targets, weights=None):
    """From the sums of two shards of unequal size."""
    cut = len(output) // 3
    parts = [metric.sums(output[rows], targets[rows], None if weights is None else weights[rows])
             for rows in (slice(cut), slice(cut, None))]
    assert all(len(part) == metric.width(output.shape[1:]) for part in parts)
    return metric.value(np.sum(parts, axis=0))


@pytest.fixture(scope="session")
def same(agree):
    """`same(metric, output, targets, weights, wanted)`: the metric's value is the wanted one, from both dtypes."""

    def check(metric, output, targets, weights, wanted, by="scikit-learn"):
        for dtype in (np.float64, np.float32):
            agree(metric, dtype(value(metric, output.astype(dtype), targets, weights)), wanted, by, floor=1e-3)

    return check


# ---- scikit-learn


@EXAMPLES
@given(generators, n_samples, st.integers(2, 6))
def test_accuracy_is_scikit_learns(sklearn, same, random, n, classes):
    (scores, labels), weights = scores_and_labels(random, n, classes), weights_for(random, n)
    same(Accuracy(), scores, labels, weights, sklearn.accuracy_score(labels, scores.argmax(1), sample_weight=weights))


@EXAMPLES
@given(generators, n_samples, st.integers(3, 6), st.integers(1, 3))
def test_top_k_accuracy_is_scikit_learns(sklearn, same, random, n, classes, k):
    scores, labels, weights = normal(random, (n, classes)), random.integers(0, classes, n), weights_for(random, n)
    wanted = sklearn.top_k_accuracy_score(labels, scores, k=min(k, classes - 1), sample_weight=weights, labels=range(classes))
    same(TopKAccuracy(k=min(k, classes - 1)), scores, labels, weights, wanted)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", PER_CLASS)
def test_a_ratio_of_each_class_is_scikit_learns(sklearn, same, name, average):
    @EXAMPLES
    @given(generators, n_samples, st.integers(2, 6))
    def holds(random, n, classes):
        (scores, labels), weights = scores_and_labels(random, n, classes), weights_for(random, n)
        wanted = reference(labels, scores.argmax(1), average=average, sample_weight=weights, zero_division=0)
        same(METRICS.types[name](average=average), scores, labels, weights, wanted)

    reference = getattr(sklearn, PER_CLASS[name])
    holds()


@pytest.mark.parametrize("name", PER_CLASS)
def test_a_ratio_of_yes_and_no_is_scikit_learns(sklearn, same, name):
    """From one output, and from two."""

    @EXAMPLES
    @given(generators, n_samples, st.integers(1, 2))
    def holds(random, n, outputs):
        scores, labels, weights = normal(random, (n, outputs), 1), random.integers(0, 2, n), weights_for(random, n)
        said = scores[:, 0] > 0 if outputs == 1 else scores.argmax(1)
        metric = METRICS.types[name](average="binary")
        if not (labels.any() or said.any()):
            assert math.isnan(value(metric, scores, labels, weights))  # where there is no yes at all; scikit-learn says 0
            return
        same(metric, scores, labels, weights, reference(labels, said, sample_weight=weights, zero_division=0))

    reference = getattr(sklearn, PER_CLASS[name])
    holds()


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", PER_CLASS)
def test_a_ratio_of_several_yes_and_no_is_scikit_learns(sklearn, same, name, average):
    @EXAMPLES
    @given(generators, n_samples, st.integers(2, 4))
    def holds(random, n, outputs):
        scores, targets = normal(random, (n + 2, outputs)), random.integers(0, 2, (n + 2, outputs))
        targets[:2] = [[0], [1]]  # every output has both, as scikit-learn's mean counts outputs that never say yes
        weights = weights_for(random, n + 2)
        wanted = reference(targets, scores > 0, average=average, sample_weight=weights, zero_division=0)
        same(METRICS.types[name](average=average), scores, targets, weights, wanted)

    reference = getattr(sklearn, PER_CLASS[name])
    holds()


@EXAMPLES
@given(generators, n_samples, st.integers(2, 6))
def test_balanced_accuracy_and_its_matrix_are_scikit_learns(sklearn, same, random, n, classes):
    (scores, labels), weights = scores_and_labels(random, n, classes), weights_for(random, n)
    metric = BalancedAccuracy()
    wanted = sklearn.recall_score(labels, scores.argmax(1), labels=np.unique(labels), average="macro", sample_weight=weights, zero_division=0)
    same(metric, scores, labels, weights, wanted)  # balanced_accuracy_score, without its warnings
    matrix = sklearn.confusion_matrix(labels, scores.argmax(1), labels=range(classes), sample_weight=weights)
    np.testing.assert_allclose(metric.matrix(metric.sums(scores, labels, weights)), matrix, rtol=1e-9)


@EXAMPLES
@given(generators, st.integers(2, 200), st.sampled_from([0.1, 1.0, 5.0, 40.0]), st.integers(1, 2), st.sampled_from([2, 64, 1024]))
def test_auc_is_scikit_learns_within_the_bound_that_its_page_gives(sklearn, random, n, scale, outputs, bins):
    labels, weights = random.integers(0, 2, n), weights_for(random, n)
    labels[:2] = [0, 1]
    scores = scale * (random.standard_normal((n, outputs)) + labels[:, None] * np.arange(2)[-outputs:])
    wanted = sklearn.roc_auc_score(labels, scores[:, -1] - (scores[:, 0] if outputs == 2 else 0), sample_weight=weights)
    no, yes = np.reshape(Auc(bins=bins).sums(scores, labels, weights), (2, -1))
    bound = (no * yes).sum() / (no.sum() * yes.sum()) / 2
    assert abs(value(Auc(bins=bins), scores, labels, weights) - wanted) <= bound + 1e-12


@EXAMPLES
@given(generators, st.integers(2, 100))
def test_auc_of_scores_that_lie_in_bins_of_their_own_is_exact(sklearn, same, random, n):
    labels = random.integers(0, 2, n)
    labels[:2] = [0, 1]
    scores = random.choice(np.arange(-200, 200), n) / 100  # bins are at most 0.018 wide there; equal scores stay equal
    same(Auc(bins=4096), scores[:, None], labels, None, sklearn.roc_auc_score(labels, scores))


@pytest.mark.parametrize(("metric", "reference"), [(Mae(), "mean_absolute_error"), (Rmse(), "root_mean_squared_error"), (R2(), "r2_score")],
                         ids=lambda given: str(given))
def test_a_metric_of_numbers_is_scikit_learns(sklearn, same, metric, reference):
    @EXAMPLES
    @given(generators, st.integers(2, 30), st.just(1) if isinstance(metric, Rmse) else st.integers(1, 4), st.sampled_from([0.1, 1.0, 50.0]))
    def holds(random, n, outputs, offset):
        targets, weights = normal(random, (n, outputs)) + np.float32(offset), weights_for(random, n)
        output = (targets + normal(random, (n, outputs))).astype(np.float32).astype(np.float64)
        same(metric, output, targets, weights, getattr(sklearn, reference)(targets, output, sample_weight=weights))

    holds()


@EXAMPLES
@given(generators, n_samples)
def test_relative_rmse_is_scikit_learns_error_over_that_of_zeros(sklearn, same, random, n):
    targets, weights = normal(random, (n, 1)) + np.float32(1), weights_for(random, n)
    output = targets + normal(random, (n, 1))
    error, zeros = (sklearn.root_mean_squared_error(targets, said, sample_weight=weights) for said in (output, np.zeros_like(output)))
    same(RelativeRmse(), output, targets, weights, error / zeros)


@EXAMPLES
@given(generators, n_samples, st.integers(1, 3), st.integers(2, 4))
def test_exact_match_is_the_accuracy_of_whole_rows(sklearn, same, random, n, places, classes):
    """Of rows written as text: scikit-learn compares these."""
    (scores, labels), weights = scores_and_labels(random, (n, places), classes), weights_for(random, n)
    said, wanted = ([str(row) for row in rows] for rows in (scores.argmax(-1), labels))
    same(ExactMatch(), scores, labels, weights, sklearn.accuracy_score(wanted, said, sample_weight=weights))


@EXAMPLES
@given(generators, st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_episode_return_is_the_mean_over_episodes(same, random, lengths):
    """Of all but the last one, which has not ended; in any order of their steps."""
    returns = normal(random, len(lengths))
    steps = [(0, 0, 0, result, 1 / length * (i < len(lengths) - 1)) for i, (result, length) in enumerate(zip(returns, lengths)) for _ in range(length)]
    targets = random.permutation(np.array(steps))
    wanted = sum(returns[:-1]) / (len(lengths) - 1) if len(lengths) > 1 else math.nan
    if not math.isnan(wanted):
        same(EpisodeReturn(), np.zeros((len(targets), 2)), targets, None, wanted, by="formula")
    else:
        assert math.isnan(value(EpisodeReturn(), np.zeros((len(targets), 2)), targets))


@EXAMPLES
@given(generators, n_samples)
def test_box_iou_is_the_share_of_squares_in_both_boxes(same, random, n):
    """Boxes on a grid: counted square by square."""
    corners, sizes = random.integers(0, 6, (2, n, 2)), random.integers(1, 5, (2, n, 2))
    weights = weights_for(random, n)
    said, true = np.concatenate([corners + sizes / 2, sizes], axis=-1)
    total = 0.0
    for i in range(n):
        one, other = ({(x, y) for x in range(left, left + width) for y in range(top, top + height)}
                      for (left, top), (width, height) in zip(corners[:, i], sizes[:, i]))
        total += (1 if weights is None else float(weights[i])) * len(one & other) / len(one | other)
    same(BoxIou(), said, true, weights, total / (n if weights is None else float(weights.sum())), "formula")


@EXAMPLES
@given(generators, n_samples, st.integers(2, 6))
def test_perplexity_is_e_to_scikit_learns_log_loss(sklearn, same, random, n, classes):
    scores, labels, weights = 3 * normal(random, (n, classes)), random.integers(0, classes, n), weights_for(random, n)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wanted = sklearn.log_loss(labels, probabilities / probabilities.sum(axis=1, keepdims=True), labels=range(classes), sample_weight=weights)
    same(Perplexity(), scores, labels, weights, np.exp(wanted))


# ---- error rates, by their definition


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


# ---- what holds for all, on the worked cases that each file brings


def sums(case, rows=slice(None), **replaced):
    weights = replaced.get("weights", case.weights)
    return np.array(case.metric.sums(replaced.get("output", case.output)[rows], replaced.get("targets", case.targets)[rows],
                                     None if weights is None else weights[rows]), np.float64)


@ALL
def test_the_value_is_the_one_worked_by_hand(case):
    assert case.metric.value(sums(case)) == pytest.approx(case.value, rel=1e-12, abs=1e-12)
    assert isinstance(case.metric.value(sums(case)), float)


@ALL
def test_a_metric_keeps_as_many_sums_as_it_says(case):
    assert sums(case).shape == (case.metric.width(case.output.shape[1:]),)


@ALL
def test_sums_of_shards_add_up(case):
    for cut in range(len(case.output) + 1):  # an empty shard too
        np.testing.assert_allclose(sums(case, slice(cut)) + sums(case, slice(cut, None)), sums(case), rtol=1e-12, atol=1e-12)


@ALL
def test_a_sample_of_weight_zero_is_left_out_and_one_of_two_counts_twice(case):
    for times in ([0] * len(case.output), [2] * len(case.output), np.random.default_rng(0).integers(0, 3, len(case.output))):
        repeated = case.metric.sums(np.repeat(case.output, times, axis=0), np.repeat(case.targets, times, axis=0), None)
        np.testing.assert_allclose(sums(case, weights=np.array(times, np.float32)), repeated, rtol=1e-12, atol=1e-12)


@ALL
def test_a_float32_output_gives_the_same_value(case):
    assert case.metric.value(sums(case, output=case.output.astype(np.float32))) == pytest.approx(case.value, rel=1e-6, abs=1e-6)


@ALL
def test_outputs_and_targets_are_only_read_and_may_have_gaps(case):
    output, targets = (np.repeat(array[..., None], 2, axis=-1)[..., 0] for array in (case.output, case.targets))
    output.flags.writeable = targets.flags.writeable = False
    np.testing.assert_array_equal(sums(case, output=output, targets=targets), sums(case))


@ALL
def test_no_sample_is_no_value(case):
    assert math.isnan(case.metric.value(sums(case, slice(0, 0))))


@ALL
def test_a_metric_takes_what_its_cases_hold(case):
    t = case.targets
    field = Field(t.shape[1:], True, int(t.max()) + 1, int(t.min())) if t.dtype.kind == "i" else Field(t.shape[1:])
    assert case.metric.target_problem(case.output.shape[1:], field) is None


def accepts_ignored():
    return [name for name, kind in METRICS.types.items() if "ignored" in kind.__dataclass_fields__]


@pytest.mark.parametrize("name", accepts_ignored())
@pytest.mark.parametrize("ignored", [-1, 255, 1])
def test_an_ignored_label_counts_nothing_inside_or_outside_the_classes(name, ignored):
    random = np.random.default_rng(5)
    outputs = (4, 3, 2) if name == "auc" else (4, 3, 6)
    scores, labels = random.standard_normal(outputs), random.integers(0, outputs[-1], outputs[:-1])
    mask = random.random(labels.shape) < 0.3
    labels = np.where(mask, ignored, labels)
    kind, left = METRICS.types[name], labels != ignored
    found = kind(ignored=ignored).value(np.array(kind(ignored=ignored).sums(scores, labels, None)))
    assert found == pytest.approx(kind().value(np.array(kind().sums(scores[left], labels[left], None))), nan_ok=True)


# ---- values by hand


def test_of_equal_scores_the_first_class_goes_first():
    scores, labels = np.zeros((3, 3)), np.array([0, 1, 2])
    assert Accuracy().sums(scores, labels, None) == TopKAccuracy(k=1).sums(scores, labels, None) == (1, 3)
    assert TopKAccuracy(k=2).sums(scores, labels, None) == (2, 3)


def test_a_score_that_is_no_number_is_no_hit():
    scores = np.array([[np.nan, np.nan], [np.nan, 1.0], [1.0, 0.0]])
    assert TopKAccuracy(k=1).sums(scores, np.array([0, 1, 0]), None) == (1, 3)


def test_a_perplexity_too_large_to_write_is_infinite():
    assert value(Perplexity(), np.array([[1e4, 0.0]], np.float32), np.array([1])) == math.inf


def test_r2_leaves_out_outputs_whose_targets_do_not_vary():
    output, targets = np.array([[1.0, 5.0], [2.0, 6.0], [4.0, 5.0]]), np.array([[1.0, 5.1], [2.0, 5.1], [3.0, 5.1]])
    assert value(R2(), output, targets) == pytest.approx(0.5)
    assert math.isnan(value(R2(), output[:, 1:], targets[:, 1:]))


def test_auc_of_one_class_alone_is_no_value():
    assert math.isnan(value(Auc(), np.array([[1.0], [2.0]]), np.array([1, 1])))


# ---- what users read


def integers(shape, classes, lowest=0):
    return Field(shape, True, classes, lowest)


@pytest.mark.parametrize(("metric", "output", "targets", "problem"), [
    ("accuracy", (3,), integers((), 3), None),
    ("accuracy", (1,), Field(()), None),
    ("accuracy", (2, 3), integers((2,), 3), None),
    ("accuracy", (3,), integers((3,), 2), None),
    ("accuracy", (3,), Field(()), "expected one integer label a sample, got () numbers"),
    ("accuracy", (3,), Field((3,)), "expected one integer label a sample, got (3,) numbers"),
    ("accuracy", (1,), integers((), 10), "expected targets in [0, 1], got 9"),
    ("f1", (3,), integers((), 3, -1), "expected labels from 0 on, got -1; name the label to leave out: ignored: -1"),
    ({"f1": {"ignored": -1}}, (3,), integers((), 3, -1), None),
    ("f1", (3,), integers((), 4), "expected labels 0 … 2, as the model ends in 3 classes, got 3; end the model in linear: {units: 4}"),
    ({"f1": {"average": "binary"}}, (3,), integers((), 3), "expected an output of one or two classes for average: binary, got 3"),
    ("iou", (4, 4, 1), integers((4, 4), 2), None),
    ("box_iou", (4, 4, 4), Field((4, 4, 4)), None),
    ("box_iou", (4, 4, 5), Field((4, 4, 5)), "expected an output of (…, 4): x, y, width, height, got (4, 4, 5)"),
    ("exact_match", (5, 3), integers((5,), 3), None),
    ("exact_match", (3,), integers((), 3), "expected an output of (…, places, classes), got (3,)"),
    ("exact_match", (5, 3), integers((5,), 3, -1), "expected labels from 0 on, got -1; name the label to leave out: ignored: -1"),
    ("relative_rmse", (2,), Field((3,)), "expected targets of the output's shape (2,), got (3,)"),
    ("episode_return", (2,), Field((5,)), None),
    ("episode_return", (2,), Field((3,)), "expected numbers (…, 5): action, advantage, old log-probability, return and weight, "
                                          "got (3,) numbers; they come with data.environment"),
    ("iou", (4, 4, 1), integers((4, 4, 1), 2), None),
    ("top_k_accuracy", (3,), integers((), 3), "expected an output of (…, classes), at least 5, got (3,); use a smaller k"),
    ("balanced_accuracy", (1001,), integers((), 3), "expected an output of (…, classes), at most 1000, got (1001,)"),
    ("auc", (3,), integers((), 3), "expected an output of one or two classes, with one label, got (3,) with ()"),
    ("auc", (2,), integers((2,), 2), "expected an output of one or two classes, with one label, got (2,) with (2,)"),
    ("mae", (3,), Field((2,)), "expected targets of the output's shape (3,), got (2,)"),
    ("perplexity", (1,), integers((), 2), "expected an output of (…, classes), at least 2, got (1,)"),
    ("character_error_rate", (9, 4), Field((5,)),
     "expected an output of (steps, classes) and integer labels (L,), padded with -1, got (9, 4) and (5,) numbers"),
    ("character_error_rate", (9, 4), integers((5,), 7, -1), "expected labels 0 … 3, and -1 behind shorter ones, got 6"),
    ({"character_error_rate": {"decoding": "argmax"}}, (9, 4), integers((5,), 4, -1),
     "expected a label for each of the 9 steps with decoding: argmax, got 5"),
], ids=str)
def test_targets_that_do_not_fit_are_refused(metric, output, targets, problem):
    assert METRICS.build(metric).target_problem(output, targets) == problem
