"""Every loss against PyTorch's, or against its paper's formula in plain NumPy.

Sums, counts and gradients, with and without weights. PyTorch computes in float64 from the same numbers, so
that float32 is held to the truth, not to another float32. An error is relative to the largest number of
what is compared, or 1. A loss without a witness (witnesses/losses.py, loss_formulas.py) fails.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from witnesses.loss_formulas import FORMULAS

from bpcore.losses import LOSSES
from bpcore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tests.parity.drawn_losses import DRAWN

FLOATS = [np.float64, np.float32]
DTYPES = pytest.mark.parametrize("dtype", FLOATS, ids=["float64", "float32"])
TORCH = sorted(set(LOSSES.types) - set(FORMULAS))
EXAMPLES = settings(derandomize=True, max_examples=25, deadline=None)


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
