"""The kernels of softmax_cross_entropy against plain NumPy in twice the digits."""

import numpy as np
import pytest

from bpcore.kernels.cross_entropy import of_distributions, of_labels

TOLERANCE = {np.float32: 4e-7, np.float64: 1e-15}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
CLASSES = pytest.mark.parametrize("classes", [2, 7, 16, 33, 1000])


def twin(z, wanted):
    moved = z - z.max(axis=1, keepdims=True)
    log_softmax = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
    return np.exp(log_softmax) * wanted.sum(axis=1, keepdims=True) - wanted, -(wanted * log_softmax).sum(axis=1)


def drawn(rows, classes, dtype):
    random = np.random.default_rng(classes)
    return (5 * random.standard_normal((rows, classes))).astype(dtype), random.integers(0, classes, rows), random.random((rows, classes)).astype(dtype)


def run(kernel, z, wanted):
    gradient, losses = np.full_like(z, np.nan), np.full(len(z), np.nan, z.dtype)
    kernel(z, wanted, gradient, losses)
    return gradient, losses


@DTYPES
@CLASSES
def test_labels_are_their_twin(dtype, classes):
    z, labels, _ = drawn(5, classes, dtype)
    for ours, wanted in zip(run(of_labels, z, labels), twin(z.astype(np.longdouble), np.eye(classes)[labels])):
        assert np.abs(ours - wanted).max() <= TOLERANCE[dtype] * max(1, np.abs(wanted).max())


@DTYPES
@CLASSES
def test_distributions_are_their_twin(dtype, classes):
    z, _, targets = drawn(5, classes, dtype)
    for ours, wanted in zip(run(of_distributions, z, targets), twin(z.astype(np.longdouble), targets.astype(np.longdouble))):
        assert np.abs(ours - wanted).max() <= 4 * TOLERANCE[dtype] * max(1, np.abs(wanted).max())


@CLASSES
def test_a_row_has_the_same_bits_in_any_batch_and_without_a_gradient(classes):
    z, labels, targets = drawn(9, classes, np.float32)
    for kernel, wanted in ((of_labels, labels), (of_distributions, targets)):
        gradient, losses = run(kernel, z, wanted)
        part, some = run(kernel, z[3:5], wanted[3:5])
        assert part.tobytes() == gradient[3:5].tobytes() and some.tobytes() == losses[3:5].tobytes()
        alone = np.empty(9, np.float32)
        kernel(z, wanted, np.empty((0, 0), np.float32), alone)
        assert alone.tobytes() == losses.tobytes()


def test_a_label_that_is_none_of_the_classes_has_no_loss_and_reads_nothing():
    z, _, _ = drawn(3, 7, np.float32)
    gradient, losses = run(of_labels, z, np.array([-1, 2, 7]))
    assert np.isnan(losses).tolist() == [True, False, True]
    assert np.allclose(gradient.sum(axis=1), [1, 0, 1], atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_not_hidden(value):
    """Behind a score of −∞ all is well, unless the label is that class; NaN and ∞ spoil their row alone."""
    z, _, _ = drawn(3, 20, np.float32)
    z[1, 4] = value
    _, losses = run(of_labels, z, np.array([3, 3, 3]))
    assert np.isfinite(losses).tolist() == [True, value == -np.inf, True]


def test_scores_of_thousands_overflow_nowhere():
    z = np.array([[3e4, 0, -3e4], [-3e4, -3e4, -3e4]], np.float32)
    gradient, losses = run(of_labels, z, np.array([2, 0]))
    assert losses.tolist() == pytest.approx([6e4, np.log(3)])
    assert np.allclose(gradient, [[1, 0, -1], [-2 / 3, 1 / 3, 1 / 3]])
