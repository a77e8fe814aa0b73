"""Every loss against PyTorch's, or against its paper's formula in plain NumPy; and what holds for all.

Sums, counts and gradients, with and without weights. PyTorch computes in float64 from the same numbers, so
that float32 is held to the truth, not to another float32. An error is relative to the largest number of
what is compared, or 1. A loss without a witness (witnesses/losses.py, loss_formulas.py) fails.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from witnesses.loss_formulas import FORMULAS, softmax

from bpcore.errors import InvalidInput
from bpcore.fields import Field
from bpcore.losses import LOSSES
from bpcore.losses.contrastive import Contrastive
from bpcore.losses.cosine_embedding import CosineEmbedding
from bpcore.losses.ctc import Ctc
from bpcore.losses.dice import Dice
from bpcore.losses.focal import Focal
from bpcore.losses.hinge import Hinge
from bpcore.losses.huber import Huber
from bpcore.losses.kl_divergence import KlDivergence
from bpcore.losses.mae import Mae
from bpcore.losses.mse import Mse
from bpcore.losses.multi_margin import MultiMargin
from bpcore.losses.poisson import Poisson
from bpcore.losses.policy_gradient import PolicyGradient
from bpcore.losses.sigmoid_cross_entropy import SigmoidCrossEntropy
from bpcore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from bpcore.losses.softmax_focal import SoftmaxFocal
from bpcore.losses.triplet import Triplet

FLOATS = [np.float64, np.float32]
DTYPES = pytest.mark.parametrize("dtype", FLOATS, ids=["float64", "float32"])
TORCH = sorted(set(LOSSES.types) - set(FORMULAS))
CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in LOSSES.types.items() for i, case in enumerate(kind.cases())]
ALL = pytest.mark.parametrize("case", CASES)
EXAMPLES = settings(derandomize=True, max_examples=25, deadline=None)


# ---- what is drawn: a loss, outputs, targets and weights


@dataclass
class Drawn:
    loss: object
    output: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None


n_samples = st.integers(1, 4)
leading = st.lists(st.integers(1, 3), max_size=2).map(tuple)
any_shape = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
classes = st.integers(2, 6)
margins = st.floats(0.1, 3)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
scales = st.sampled_from([0.1, 1.0, 5.0])


def whole(draw, loss, random, targets, output):
    """The drawing's end: outputs, and weights of samples, of elements, or none."""
    n = len(targets)
    outputs = (draw(scales) * random.standard_normal((n, *output))).astype(np.float32)
    elements = loss.element_shape(output)
    shape = draw(st.sampled_from([None, (), elements[:1], elements]))
    weights = None if shape is None else random.choice([0, 0.5, 1, 2], (n, *shape)).astype(np.float32)
    return Drawn(loss, outputs, targets, weights)


def numbers(losses, values):
    """Losses whose targets have the output's shape; `values(random, shape)` draws those."""

    @st.composite
    def draw(draw):
        random, shape = draw(generators), (draw(n_samples), *draw(any_shape))
        return whole(draw, draw(losses), random, values(random, shape), shape[1:])

    return draw()


def yes_no(random, shape):
    return random.integers(0, 2, shape)


@st.composite
def labelled(draw, losses):
    """Losses on labels; `losses(classes)` draws them."""
    random, count, shape = draw(generators), draw(classes), (draw(n_samples), *draw(leading))
    loss = draw(losses(count))
    labels = random.integers(0, count, shape)
    if getattr(loss, "ignored", None) is not None:
        labels[random.random(shape) < 0.3] = loss.ignored
    return whole(draw, loss, random, labels, (*shape[1:], count))


@st.composite
def distributed(draw, losses):
    random, shape = draw(generators), (draw(n_samples), *draw(leading), draw(classes))
    targets = random.random(shape) * (random.random(shape) < 0.7)
    targets[..., 0] += 0.1
    targets /= targets.sum(axis=-1, keepdims=True)
    return whole(draw, draw(losses), random, targets.astype(np.float32), shape[1:])


@st.composite
def paired(draw, losses, vectors):
    random, shape = draw(generators), (draw(n_samples), *draw(leading))
    return whole(draw, draw(losses), random, random.choice([-1, 1], shape), (*shape[1:], vectors, draw(st.integers(2, 5))))


@st.composite
def masks(draw):
    random, shape = draw(generators), (draw(n_samples), *draw(any_shape), draw(st.integers(1, 3)))
    return whole(draw, Dice(smooth=draw(st.floats(0.01, 2))), random, random.integers(0, 2, shape), shape[1:])


@st.composite
def sequences(draw):
    random, steps, count, n = draw(generators), draw(st.integers(1, 12)), draw(classes), draw(n_samples)
    blank = draw(st.integers(0, count - 1))
    labels = random.choice([label for label in range(count) if label != blank], (n, draw(st.integers(1, steps))))
    for row, length in zip(labels, random.integers(0, labels.shape[1] + 1, n)):
        row[length:] = -1
    return whole(draw, Ctc(blank=blank, zero_infinity=True), random, labels, (steps, count))


@st.composite
def actions(draw):
    random, shape, count = draw(generators), (draw(n_samples), *draw(leading)), draw(classes)
    taken, advantage = random.integers(0, count, shape), random.standard_normal(shape)
    targets = np.stack([taken, advantage, -3 * random.random(shape)], axis=-1).astype(np.float32)
    losses = st.builds(PolicyGradient, st.sampled_from(["a2c", "ppo"]), st.floats(0.05, 0.5), st.sampled_from([0.0, 0.01, 0.7]))
    return whole(draw, draw(losses), random, targets, (*shape[1:], count))


@st.composite
def cross_entropies(draw, count):
    weights = st.just(()) | st.lists(st.sampled_from([0.0, 0.1, 1.0, 3.0]), min_size=count, max_size=count).map(tuple)
    return SoftmaxCrossEntropy(draw(st.sampled_from([0.0, 0.1, 0.5])), draw(weights), draw(st.sampled_from([None, -1, -100, 1])))


def softmax_focals(count):
    weights = st.just(()) | st.lists(st.floats(0.1, 3), min_size=count, max_size=count).map(tuple)
    return st.builds(SoftmaxFocal, gamma=st.floats(0, 5), class_weights=weights, ignored=st.sampled_from([None, -1, 1]))


DRAWN = {
    "mse": numbers(st.just(Mse()), lambda random, shape: random.standard_normal(shape)),
    "mae": numbers(st.just(Mae()), lambda random, shape: random.standard_normal(shape)),
    "huber": numbers(st.builds(Huber, delta=st.floats(0.1, 3)), lambda random, shape: random.standard_normal(shape)),
    "poisson": numbers(st.just(Poisson()), lambda random, shape: random.poisson(2, shape)),
    "sigmoid_cross_entropy": numbers(st.builds(SigmoidCrossEntropy, positive_weight=st.floats(0.1, 9)),
                                     lambda random, shape: random.random(shape).round(1)),
    "softmax_cross_entropy": labelled(cross_entropies)
    | distributed(st.builds(SoftmaxCrossEntropy, smoothing=st.sampled_from([0.0, 0.3]))),
    "focal": numbers(st.builds(Focal, alpha=st.floats(0.1, 0.9), gamma=st.floats(0, 5)), yes_no),
    "softmax_focal": labelled(softmax_focals),
    "hinge": numbers(st.builds(Hinge, margin=margins), yes_no),
    "multi_margin": labelled(lambda _: st.builds(MultiMargin, margin=margins, p=st.sampled_from([1, 2]))),
    "kl_divergence": distributed(st.builds(KlDivergence, from_logits=st.booleans())),
    "dice": masks(),
    "cosine_embedding": paired(st.builds(CosineEmbedding, margin=st.floats(-1, 0.9)), 2),
    "contrastive": paired(st.builds(Contrastive, margin=margins), 2),
    "triplet": paired(st.builds(Triplet, margin=margins), 3),
    "policy_gradient": actions(),
    "ctc": sequences(),
}


# ---- parity


def ours(drawn, dtype):
    """(sum, count, gradient)."""
    output = drawn.output.astype(dtype)
    gradient = np.full_like(output, np.nan)
    found = *drawn.loss.evaluate(output, drawn.targets, drawn.weights, gradient), gradient
    assert found[2].dtype == dtype
    return found


def own_weights(loss, targets):
    """What each element counts by its label."""
    factors, ignored = getattr(loss, "class_weights", ()), getattr(loss, "ignored", None)
    left_out = np.zeros(targets.shape, bool) if ignored is None else targets == ignored
    if not factors:
        return 1.0 if ignored is None else ~left_out
    return np.where(left_out, 0, np.array(factors)[np.where(left_out, 0, targets)])


def spread(weights, shape):
    """Weights for every element."""
    if weights is None:
        return np.ones(shape)
    return np.broadcast_to(weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim)), shape)


def distance(got, wanted):
    return float(np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1))


def compare(agree, by, drawn, dtype, losses, gradient):
    """`losses`: the witness's, each element's, before weights; `gradient`: of their weighted sum."""
    weights, own = spread(drawn.weights, losses.shape), own_weights(drawn.loss, drawn.targets)
    total, count, found = ours(drawn, dtype)
    assert count == pytest.approx((weights * own).sum(), rel=1e-12)
    agree(drawn.loss, dtype(total), (weights * losses).sum(), by)
    agree(drawn.loss, found, gradient, by)


@DTYPES
@pytest.mark.parametrize("name", TORCH)
def test_a_loss_is_pytorchs(torch, agree, name, dtype):
    from witnesses.losses import WITNESSES

    @EXAMPLES
    @given(DRAWN[name])
    def holds(drawn):
        z = torch.tensor(drawn.output, dtype=torch.float64, requires_grad=True)
        losses = WITNESSES[name](drawn.loss, z, as_tensor(torch, name, drawn.targets))
        (losses * torch.tensor(spread(drawn.weights, tuple(losses.shape)))).sum().backward()
        compare(agree, "PyTorch", drawn, dtype, losses.detach().numpy(), z.grad.numpy())

    holds()


def as_tensor(torch, name, targets):
    """Labels as PyTorch wants them; all other targets are numbers."""
    labels = name in ("multi_margin", "ctc") or name == "softmax_cross_entropy" and targets.dtype.kind == "i"
    return torch.tensor(targets, dtype=torch.int64 if labels else torch.float64)


@DTYPES
@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_is_its_papers_formula(agree, name, dtype):
    formula = FORMULAS[name]

    @EXAMPLES
    @given(DRAWN[name])
    def holds(drawn):
        z, t = drawn.output.astype(np.float64), drawn.targets
        t = t if t.dtype.kind == "i" else t.astype(np.float64)
        losses = formula(drawn.loss, z, t)
        weights = spread(drawn.weights, losses.shape)
        gradient = np.empty_like(z)
        for place in np.ndindex(z.shape):  # a complex step: the derivative without a difference, so without rounding
            moved = z.astype(complex)
            moved[place] += 1e-100j
            gradient[place] = (weights * formula(drawn.loss, moved, t)).sum().imag * 1e100
        compare(agree, "formula", drawn, dtype, losses, gradient)

    holds()


def test_every_loss_is_drawn():
    assert sorted(DRAWN) == sorted(LOSSES.types)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_mean_with_class_weights_and_an_ignored_label_is_pytorchs(torch, smoothing):
    """The one case in which PyTorch's mean divides by something else than the number of elements."""
    loss, labels = SoftmaxCrossEntropy(smoothing, (0.5, 2.0, 0.0), ignored=-1), np.array([[0, -1], [2, 1]])
    z = np.random.default_rng(3).standard_normal((2, 2, 3))
    total, count = loss.evaluate(z, labels, None, None)
    wanted = torch.nn.functional.cross_entropy(torch.tensor(z).reshape(-1, 3), torch.tensor(labels).flatten(), ignore_index=-1,
                                               weight=torch.tensor(loss.class_weights, dtype=torch.float64), label_smoothing=smoothing)
    assert total / count == pytest.approx(wanted.item(), rel=1e-12)


# ---- connectionist temporal classification, by its definition


def collapse(path, blank):
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_ctc_is_the_sum_over_all_paths(blank, length):
    random = np.random.default_rng(length)
    z = random.standard_normal((1, 5, 3))
    letters = [label for label in range(3) if label != blank]
    for target in itertools.product(letters, repeat=length):
        found = sum(np.prod([p[label] for p, label in zip(softmax(z)[0], path)])
                    for path in itertools.product(range(3), repeat=5) if collapse(path, blank) == target)
        labels = np.array([[*target, *[-1] * (3 - length)]])
        loss = Ctc(blank=blank).evaluate(z, labels, None, None)[0]
        assert loss == pytest.approx(-np.log(found), rel=1e-12) if found else loss == np.inf


def test_ctc_of_a_long_sequence_stays_exact_in_float32():
    """Of 500 steps; PyTorch's gradient in float32 is off by 8e-4 there."""
    random = np.random.default_rng(0)
    z, labels = random.standard_normal((2, 500, 30)).astype(np.float32), random.integers(1, 30, (2, 60))
    single, double = np.empty_like(z), np.empty(z.shape)
    sums = Ctc().evaluate(z, labels, None, single)[0], Ctc().evaluate(z.astype(np.float64), labels, None, double)[0]
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
    assert distance(single, double) <= 1e-5


def test_a_target_that_no_path_spells_is_infinite_or_left_out():
    """By hand: 1 1 needs three steps, as a blank must stand between."""
    z, labels, gradient = np.zeros((2, 2, 3)), np.array([[1, 1], [1, 2]]), np.full((2, 2, 3), np.nan)
    assert Ctc().evaluate(z, labels, None, None)[0] == np.inf
    total, count = Ctc(zero_infinity=True).evaluate(z, labels, None, gradient)
    assert (total, count) == (pytest.approx(np.log(9)), 2)
    assert not gradient[0].any() and gradient[1].any()


# ---- what holds for all, on the cases that each file brings


def outputs(case, dtype=np.float64):
    return np.random.default_rng(4).standard_normal((len(case.targets), *case.output)).astype(dtype)


def evaluate(case, output, targets, weights=None):
    """(sum, count, gradient)."""
    gradient = np.full_like(output, np.nan)
    return *case.loss.evaluate(output, targets, weights, gradient), gradient


def assert_same(one, other, tolerance=1e-12):
    assert max(distance(np.array(a), np.array(b)) for a, b in zip(one, other, strict=True)) <= tolerance


@ALL
def test_a_sample_of_weight_zero_is_left_out_and_one_of_two_counts_twice(case):
    output, random = outputs(case), np.random.default_rng(1)
    for times in ([0] * len(output), [2] * len(output), random.integers(0, 3, len(output))):
        repeated = evaluate(case, np.repeat(output, times, axis=0), np.repeat(case.targets, times, axis=0))
        total, count, gradient = evaluate(case, output, case.targets, np.array(times, np.float32))
        assert (total, count) == (pytest.approx(repeated[0], rel=1e-12, abs=1e-12), pytest.approx(repeated[1]))
        single = evaluate(case, output, case.targets)[2]
        np.testing.assert_allclose(gradient, single * np.reshape(times, (-1, *[1] * len(case.output))), rtol=1e-12, atol=1e-15)


@ALL
def test_each_element_counts_by_its_weight_alone(case):
    """What all weights give together is what each gives by itself, and all ones give what none do."""
    output, shape = outputs(case), (len(case.targets), *case.loss.element_shape(case.output))
    weights = np.random.default_rng(2).choice([0.0, 0.5, 1.0, 2.0], shape)
    parts = [evaluate(case, output, case.targets, np.where(place, weights, 0)) for place in one_at_a_time(shape)]
    assert_same(evaluate(case, output, case.targets, weights), [sum(column) for column in zip(*parts)])
    assert_same(evaluate(case, output, case.targets, np.ones(shape)), evaluate(case, output, case.targets))


def one_at_a_time(shape):
    for place in np.ndindex(shape):
        mask = np.zeros(shape, bool)
        mask[place] = True
        yield mask


@ALL
def test_the_count_is_known_before_any_output(case):
    shape = (len(case.targets), *case.loss.element_shape(case.output))
    for weights in (None, np.full(len(case.targets), 0.5), np.random.default_rng(2).random(shape)):
        count = case.loss.evaluate(outputs(case), case.targets, weights, None)[1]
        assert case.loss.count(case.output, case.targets, weights) == pytest.approx(count, rel=1e-12)


@ALL
def test_shards_add_up_and_a_batch_of_one_is_a_row(case):
    output = outputs(case)
    shards = [evaluate(case, output[i:i + 1], case.targets[i:i + 1]) for i in range(len(output))]
    total, count, gradient = evaluate(case, output, case.targets)
    totals, counts, gradients = zip(*shards)
    assert_same((total, count, gradient), (sum(totals), sum(counts), np.concatenate(gradients)))
    assert case.loss.evaluate(output[:0], case.targets[:0], None, output[:0].copy()) == (0, 0)


@ALL
def test_losses_have_the_outputs_type_and_the_shape_they_say(case):
    for dtype in FLOATS:
        output = outputs(case, dtype)
        losses = case.loss.elementwise(output, case.targets, np.empty_like(output))
        assert (losses.dtype, losses.shape) == (dtype, (len(output), *case.loss.element_shape(case.output)))


@ALL
@pytest.mark.parametrize("size", [50, 1e4])
def test_extreme_scores_give_finite_numbers(case, size):
    size = min(size, 80) if isinstance(case.loss, Poisson) else size  # e^88 is all that a float32 holds
    for sign in (-1, 1):
        total, _, gradient = evaluate(case, sign * np.float32(size) * np.sign(outputs(case, np.float32)), case.targets)
        assert np.isfinite(total) and np.isfinite(gradient).all()


@ALL
def test_outputs_of_zero_give_finite_numbers(case):
    total, _, gradient = evaluate(case, np.zeros_like(outputs(case, np.float32)), case.targets)
    assert np.isfinite(total) and np.isfinite(gradient).all()


@ALL
def test_a_nan_shows_in_the_sum(case):
    output = outputs(case)
    output[0] = np.nan
    assert np.isnan(evaluate(case, output, case.targets)[0])


@ALL
def test_arrays_may_have_gaps_and_are_only_read(case):
    output, wide = outputs(case), np.full((len(case.targets), *case.output, 2), np.nan)
    spaced = np.repeat(output[..., None], 2, axis=-1)[..., 0]
    targets = np.repeat(case.targets[..., None], 2, axis=-1)[..., 0]
    output.flags.writeable = spaced.flags.writeable = targets.flags.writeable = False
    sums = case.loss.evaluate(spaced, targets, None, wide[..., 0])
    assert_same((*sums, wide[..., 0]), evaluate(case, output, case.targets))


@ALL
def test_the_value_is_the_same_without_a_gradient(case):
    output = outputs(case)
    assert case.loss.evaluate(output, case.targets, None, None) == evaluate(case, output, case.targets)[:2]


@ALL
def test_a_loss_takes_what_its_cases_hold(case):
    t = case.targets
    field = Field(t.shape[1:], True, int(t.max()) + 1, int(t.min())) if t.dtype.kind == "i" else Field(t.shape[1:])
    assert case.loss.output_problem(case.output) is None
    assert case.loss.target_problem(case.output, field) is None


# ---- values by hand


@pytest.mark.parametrize(("loss", "output", "target", "value", "gradient"), [
    (Huber(delta=2.0), [3.0], 0.0, 4.0, [2.0]),
    (Hinge(), [0.25], 1, 0.75, [-1.0]),
    (Hinge(), [0.25], -1, 1.25, [1.0]),
    (MultiMargin(), [1.0, 0.5, 0.0], 0, 0.5 / 3, [-1 / 3, 1 / 3, 0.0]),
    (Poisson(), [0.0], 3, 1.0, [-2.0]),
    (Focal(alpha=0.5, gamma=0.0), [0.0], 1, 0.5 * np.log(2), [-0.25]),
    (SigmoidCrossEntropy(positive_weight=4.0), [0.0], 1, 4 * np.log(2), [-2.0]),
    (KlDivergence(), [0.0, 0.0], [1.0, 0.0], np.log(2), [-0.5, 0.5]),
    (Dice(), [[0.0], [0.0]], [[1], [1]], 1 - 3 / 4, [[-0.25 * 5 / 16]] * 2),
    (CosineEmbedding(), [[3.0, 0.0], [0.0, 2.0]], 1, 1.0, [[0.0, -1 / 3], [-0.5, 0.0]]),
    (Contrastive(margin=7.0), [[3.0, 0.0], [0.0, 4.0]], 0, 2.0, [[-1.2, 1.6], [1.2, -1.6]]),
    (Contrastive(), [[1.0], [1.0]], 0, 0.5, [[0.0], [0.0]]),
    (Triplet(), [[0.0], [3.0], [5.0]], 0, 0.0, [[0.0]] * 3),
    (PolicyGradient(), [0.0, 0.0], [1, 2.0], 2 * np.log(2), [1.0, -1.0]),
    (PolicyGradient(form="ppo"), [0.0, 0.0], [0, 1.0, np.log(0.25)], -1.2, [0.0, 0.0]),
    (PolicyGradient(form="ppo"), [0.0, 0.0], [0, -1.0, np.log(0.25)], 2.0, [1.0, -1.0]),
], ids=str)
def test_the_value_is_the_one_worked_by_hand(loss, output, target, value, gradient):
    out = np.full((1, *np.shape(output)), np.nan)
    assert loss.evaluate(np.array([output]), np.array([target]), None, out) == (pytest.approx(value, abs=1e-12), 1)
    np.testing.assert_allclose(out[0], gradient, atol=1e-6 if isinstance(loss, Triplet) else 1e-12)


@pytest.mark.parametrize("loss", [Focal(gamma=0.5), SoftmaxFocal(gamma=0.5)], ids=str)
def test_a_focal_loss_below_gamma_one_has_a_gradient_where_nothing_is_missing(loss):
    output = np.array([[200.0, 0.0]], np.float32)
    out = np.full_like(output, np.nan)
    total, _ = loss.evaluate(output, np.array([[1, 0]]) if isinstance(loss, Focal) else np.array([0]), None, out)
    assert np.isfinite(total) and np.isfinite(out).all()


@pytest.mark.parametrize("action", [-1, 3, 0.5, np.nan])
def test_an_action_that_there_is_not_is_no_number_unless_masked(action):
    targets = np.array([[action, 1.0], [2, 1.0]])
    assert np.isnan(PolicyGradient().evaluate(np.zeros((2, 3)), targets, None, None)[0])
    assert PolicyGradient().evaluate(np.zeros((2, 3)), targets, np.array([0.0, 1.0]), None) == (pytest.approx(np.log(3)), 1)


def test_further_numbers_of_a_policy_target_are_not_looked_at():
    z, targets = np.zeros((1, 2)), np.array([[1, 2.0, 9.0, np.nan]])
    assert PolicyGradient().evaluate(z, targets, None, None)[0] == pytest.approx(2 * np.log(2))


# ---- what users read


def integers(shape, classes, lowest=0):
    return Field(shape, True, classes, lowest)


@pytest.mark.parametrize(("loss", "output", "problem"), [
    ("ctc", (4,), "expected the model to end in (steps, classes), at least 2 classes, got (4,)"),
    ({"ctc": {"blank": 5}}, (7, 4), "expected a blank in 0 … 3, got 5"),
    ("dice", (4,), "expected the model to end in (…, channels) with axes to sum over, got (4,); "
                   "give masks a channel axis, such as [28, 28, 1]"),
    ("triplet", (2, 8), "expected the model to end in (…, 3, features): anchor, positive, negative, got (2, 8); "
                        "put them on one axis with reshape"),
    ("contrastive", (8,), "expected the model to end in (…, 2, features): two vectors, got (8,); "
                          "put them on one axis with reshape"),
    ("multi_margin", (1,), "expected the model to end in (classes,), at least 2, got (1,); end it in linear"),
    ("policy_gradient", (1,), "expected the model to end in (actions,), at least 2, got (1,); end it in linear"),
    ({"softmax_focal": {"class_weights": [1, 2]}}, (3,), "expected 3 class_weights, one a class, got 2"),
], ids=str)
def test_an_output_that_does_not_fit_is_refused(loss, output, problem):
    assert LOSSES.build(loss).output_problem(output) == problem


@pytest.mark.parametrize(("loss", "output", "targets", "problem"), [
    ("mae", (2,), Field((3,)), "expected targets of the output's shape (2,), got (3,)"),
    ("huber", (4, 1), Field((4,)), None),
    ("poisson", (1,), integers((), 9, -1), "expected counts from 0 on, got -1"),
    ("sigmoid_cross_entropy", (1,), integers((), 10), "expected targets in [0, 1], got 9"),
    ("focal", (1,), integers((), 2, -1), "expected targets in [0, 1], got -1"),
    ("hinge", (1,), integers((), 2, -1), None),
    ("hinge", (1,), integers((), 3), "expected targets 1 for yes, 0 or −1 for no, got 2"),
    ("softmax_focal", (3,), integers((), 3, -1),
     "expected labels from 0 on, got -1; name the label to leave out: ignored: -1"),
    ("multi_margin", (3,), integers((), 5),
     "expected labels 0 … 2, as the model ends in 3 classes, got 4; end the model in linear: {units: 5}"),
    ("multi_margin", (3,), Field((3,)), "expected one integer label a sample, got (3,) numbers"),
    ("kl_divergence", (3,), integers((), 3), "expected distributions (3,), got () integers"),
    ("softmax_cross_entropy", (2, 3), Field((2,)), "expected integer labels (2,) or distributions (2, 3), got (2,) numbers"),
    ("cosine_embedding", (2, 8), Field((8,)), "expected one number a sample, got (8,)"),
    ("contrastive", (2, 8), integers((), 4), "expected targets 1 for yes, 0 or −1 for no, got 3"),
    ("triplet", (3, 8), integers((7,), 40), None),
    ("policy_gradient", (3,), Field((1,)), "expected numbers (2,): action, advantage, got (1,) numbers"),
    ({"policy_gradient": {"form": "ppo"}}, (3,), Field((2,)),
     "expected numbers (3,): action, advantage, old log-probability, got (2,) numbers"),
    ("ctc", (9, 4), Field((3,)), "expected integer labels (L,), padded with -1, got (3,) numbers"),
    ("ctc", (9, 4), integers((3,), 4), "expected labels that are not the blank 0, and -1 behind shorter ones, got 0"),
    ({"ctc": {"blank": 3}}, (9, 4), integers((3,), 4),
     "expected labels that are not the blank 3, and -1 behind shorter ones, got 3"),
    ("ctc", (9, 4), integers((3,), 4, -2), "expected labels that are not the blank 0, and -1 behind shorter ones, got -2"),
    ("ctc", (9, 4), integers((3,), 7, -1), "expected labels 0 … 3, as the model ends in 4 classes, got 6"),
    ("ctc", (9, 4), integers((12,), 4, -1),
     "expected at most 9 labels, as there are 9 steps, got 12; let the model keep more steps"),
    ({"ctc": {"zero_infinity": True}}, (9, 4), integers((12,), 4, -1), None),
], ids=str)
def test_targets_that_do_not_fit_are_refused(loss, output, targets, problem):
    assert LOSSES.build(loss).target_problem(output, targets) == problem


@pytest.mark.parametrize(("loss", "message"), [
    ({"multi_margin": {"p": 3}}, "multi_margin.p: expected 1 or 2, got 3"),
    ({"multi_margin": {"p": [1]}}, "multi_margin.p: expected 1 or 2, got [1]"),
    ({"softmax_focal": {"ignored": 0.5}}, "softmax_focal.ignored: expected an integer label, got 0.5"),
    ({"softmax_focal": {"ignored": "pad"}}, 'softmax_focal.ignored: expected an integer label, got "pad"'),
    ({"focal": {"alpha": 1}}, "focal.alpha: expected a number > 0 and < 1, got 1"),
    ({"policy_gradient": {"form": "trpo"}}, 'policy_gradient.form: expected one of a2c, ppo, got "trpo"'),
], ids=str)
def test_attributes_that_do_not_fit_are_refused(loss, message):
    with pytest.raises(InvalidInput) as refused:
        LOSSES.build(loss)
    assert str(refused.value) == message
