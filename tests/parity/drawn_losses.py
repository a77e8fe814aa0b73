"""What is drawn for every loss: itself, outputs, targets and weights."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

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


def distance(got, wanted):
    return float(np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1))
