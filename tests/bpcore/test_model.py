"""A model runs a graph on parameters that the caller hands in; it keeps buffers and nothing else."""

import numpy as np
import pytest

from bpcore import BptrainError, parse
from bpcore.model import Key, Model
from bpcore.registry import split

CONVNET = [{"conv2d": {"filters": 3, "kernel": 3, "padding": "same"}}, "relu", "max_pool2d", "flatten",
           {"linear": {"units": 4}}]
KEY = Key(seed=1, step=0, shard=0)
RANDOM = np.random.default_rng(8)
X, LABELS = RANDOM.standard_normal((12, 4, 6, 2)), RANDOM.integers(0, 4, 12)


def model(layers=CONVNET, input=(4, 6, 2), loss="softmax_cross_entropy", metrics=("accuracy",), dtype=np.float32):
    named = [dict(zip(("kind", "attributes"), split(layer))) for layer in layers]
    return Model(parse({"input": input, "layers": named}, loss, metrics, "sgd"), dtype)


def gradient(m, parameters, x, targets, key=KEY):
    """(row, flat gradient)."""
    out = m.layout.zeros(m.dtype)
    return m.gradient(parameters, x, targets, out, key), out.flat


def test_parameters_are_a_function_of_the_seed():
    first, again, other = model().initialize(7), model().initialize(7), model().initialize(8)
    assert first.digest() == again.digest()
    assert first.digest() != other.digest()


def test_layers_of_one_shape_start_apart():
    m = model([{"linear": {"units": 5}}, {"linear": {"units": 5}}], (5,), "mse", ())
    first, second = (m.initialize(1).nodes[i]["weight"] for i in (0, 1))
    assert not np.array_equal(first, second)


def test_weights_start_by_their_initializer_and_biases_at_zero():
    """he_uniform by default: within √(6 / fan_in), where fan_in is 3 · 3 · 2 of the convolution."""
    parameters = model().initialize(1).nodes[0]
    assert 0 < np.abs(parameters["weight"]).max() <= np.sqrt(6 / 18)
    assert not parameters["bias"].any()


def test_a_float64_model_starts_from_the_same_numbers():
    assert np.array_equal(model().initialize(1).flat, model(dtype=np.float64).initialize(1).flat.astype(np.float32))


def test_loss_and_metrics_of_equal_scores_are_those_by_hand():
    """All parameters zero: the loss is log 4, and class 0 is always the answer."""
    m = model()
    summary = m.summary(m.evaluate(m.layout.zeros(), X, LABELS))
    assert summary == pytest.approx({"loss": np.log(4), "accuracy": np.mean(LABELS == 0)}, rel=1e-6)


def test_a_row_holds_the_sums_of_the_loss_and_of_each_metric():
    m = model()
    row = m.evaluate(m.layout.zeros(), X, LABELS)
    assert (row.dtype, row.shape, m.row_width) == (np.float64, (4,), 4)
    assert row[1:].tolist() == [12, np.count_nonzero(LABELS == 0), 12]


def test_rows_of_shards_add_up_to_the_row_of_the_batch():
    m = model(dtype=np.float64)
    p = m.initialize(1)
    parts = [m.evaluate(p, X[i:i + 5], LABELS[i:i + 5]) for i in (0, 5, 10)]
    np.testing.assert_allclose(np.sum(parts, axis=0), m.evaluate(p, X, LABELS), rtol=1e-12)


def test_training_and_evaluation_report_the_same_row_without_random_layers():
    m = model()
    p = m.initialize(1)
    assert np.array_equal(gradient(m, p, X, LABELS)[0], m.evaluate(p, X, LABELS))


def test_a_prediction_is_a_copy():
    m = model()
    p = m.initialize(1)
    first = m.predict(p, X)
    kept = first.copy()
    m.predict(p, X + 1)
    assert np.array_equal(first, kept)
    first.fill(0)
    assert np.array_equal(m.predict(p, X), kept)


def test_a_batch_of_one_is_a_row_of_a_batch():
    m = model(dtype=np.float64)
    p = m.initialize(1)
    rows = [m.predict(p, X[i:i + 1])[0] for i in range(len(X))]
    np.testing.assert_allclose(m.predict(p, X), rows, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("same", [
    lambda x: np.repeat(x, 2, axis=0)[::2], np.asfortranarray, lambda x: x[::-1].copy()[::-1],
    lambda x: np.ascontiguousarray(x.transpose(3, 2, 1, 0)).transpose(3, 2, 1, 0), lambda x: x.astype(">f8"),
], ids=["every second", "Fortran", "backwards", "transposed", "big-endian"])
def test_the_layout_of_the_batch_in_memory_does_not_matter(same):
    m = model()
    p = m.initialize(1)
    (row, flat), (other_row, other) = gradient(m, p, X, LABELS), gradient(m, p, same(X), LABELS)
    assert np.array_equal(row, other_row) and np.array_equal(flat, other)


def test_a_batch_of_bytes_is_taken_as_numbers():
    m, pixels = model(), RANDOM.integers(0, 256, X.shape).astype(np.uint8)
    p = m.initialize(1)
    assert np.array_equal(m.predict(p, pixels), m.predict(p, pixels.astype(np.float64)))


@pytest.mark.parametrize("shape", [(5, 7), (5, 1), (5,)], ids=str)
def test_a_batch_of_another_shape_is_refused(shape):
    """The last two would go through NumPy's broadcasting unseen."""
    m = model([{"linear": {"units": 2}}], (5,), "mse", ())
    with pytest.raises((ValueError, BptrainError)):
        m.predict(m.initialize(1), np.zeros(shape))


def test_batch_and_parameters_are_only_read():
    m, x, labels = model(), X.copy(), LABELS.copy()
    p = m.initialize(1)
    x.flags.writeable = labels.flags.writeable = p.flat.flags.writeable = False
    for view in p.named().values():
        view.flags.writeable = False
    gradient(m, p, x, labels)


def test_a_batch_size_is_planned_once():
    m = model()
    p = m.initialize(1)
    gradient(m, p, X, LABELS)
    plan = m._plans[12]
    buffers = [array for w in plan.steps for array in (w.y, w.dy, *w._scratch.values())]
    for _ in range(3):
        gradient(m, p, X, LABELS), m.evaluate(p, X, LABELS), m.predict(p, X)
    assert m._plans == {12: plan}
    assert all(a is b for a, b in zip(buffers, [a for w in plan.steps for a in (w.y, w.dy, *w._scratch.values())]))
    m.predict(p, X[:5])
    assert set(m._plans) == {12, 5}


def test_a_nan_in_the_batch_shows_in_the_loss():
    m, x = model(), X.copy()
    x[3, 1, 1, 0] = np.nan
    assert np.isnan(gradient(m, m.initialize(1), x, LABELS)[0][0])
