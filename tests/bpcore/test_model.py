"""A model runs a graph on parameters that the caller hands in; it keeps buffers and nothing else."""

import gc
import tracemalloc

import numpy as np
import pytest

from bpcore import BptrainError, parse
from bpcore.model import Key, Model
from bpcore.optimization.update import Pace, Updater
from bpcore.registry import split

CONVNET = [{"conv2d": {"filters": 3, "kernel": 3, "padding": "same"}}, "relu", "max_pool2d", "flatten",
           {"linear": {"units": 4}}]
KEY = Key(seed=1, step=0, shard=0)
RANDOM = np.random.default_rng(8)
X, LABELS = RANDOM.standard_normal((12, 4, 6, 2)), RANDOM.integers(0, 4, 12)
BATCH = {"x": X, "y": LABELS}


def named(layers):
    return [layer if isinstance(layer, dict) and "kind" in layer else dict(zip(("kind", "attributes"), split(layer))) for layer in layers]


def model(layers=CONVNET, input=(4, 6, 2), loss="softmax_cross_entropy", metrics=("accuracy",), dtype=np.float32):
    return Model(parse({"model": {"input": input, "layers": named(layers)}, "loss": loss, "metrics": metrics, "optimizer": "sgd"}), dtype)


def gradient(m, parameters, batch, key=KEY):
    """(row, flat gradient)."""
    out = m.layout.zeros(m.dtype)
    return m.gradient(parameters, batch, out, key), out.flat


def part(batch, rows):
    return {field: array[rows] for field, array in batch.items()}


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


def test_a_shared_parameter_starts_as_its_owners():
    """Sharing changes the numbers of no other layer: each draws by its own place."""
    layers = [{"kind": "linear", "name": name, "share": share, "attributes": {"units": 5}} for name, share in [("a", ""), ("b", "a"), ("c", "")]]
    shared, apart = model(layers, (5,), "mse", ()), model([layer | {"share": ""} for layer in layers], (5,), "mse", ())
    first, second = shared.initialize(1).named(), apart.initialize(1).named()
    assert list(first) == ["a.weight", "a.bias", "c.weight", "c.bias"]
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_loss_and_metrics_of_equal_scores_are_those_by_hand():
    """All parameters zero: the loss is log 4, and class 0 is always the answer."""
    m = model()
    summary = m.summary(m.evaluate(m.layout.zeros(), BATCH))
    assert summary == pytest.approx({"loss": np.log(4), "accuracy": np.mean(LABELS == 0)}, rel=1e-6)


def test_a_row_holds_the_sums_of_the_loss_and_of_each_metric():
    m = model()
    row = m.evaluate(m.layout.zeros(), BATCH)
    assert (row.dtype, row.shape, m.row_width) == (np.float64, (4,), 4)
    assert row[1:].tolist() == [12, np.count_nonzero(LABELS == 0), 12]


def test_metrics_that_keep_an_array_of_sums_stand_in_the_row_beside_the_others():
    """2 of the loss, 3 · 4 of f1 and of iou, 2 of accuracy."""
    m = model(metrics=("f1", "accuracy", "iou"))
    row = m.evaluate(m.initialize(1), BATCH)
    alone = [model(metrics=(name,)) for name in ("f1", "accuracy", "iou")]
    assert len(row) == 2 + 12 + 2 + 12
    assert m.summary(row) == {name: value for each in alone for name, value in each.summary(each.evaluate(each.initialize(1), BATCH)).items()}


def test_rows_of_shards_add_up_to_the_row_of_the_batch():
    m = model(dtype=np.float64)
    p = m.initialize(1)
    parts = [m.evaluate(p, part(BATCH, slice(i, i + 5))) for i in (0, 5, 10)]
    np.testing.assert_allclose(np.sum(parts, axis=0), m.evaluate(p, BATCH), rtol=1e-12)


def test_training_and_evaluation_report_the_same_row_without_random_layers():
    m = model()
    p = m.initialize(1)
    assert np.array_equal(gradient(m, p, BATCH)[0], m.evaluate(p, BATCH))


def test_a_prediction_is_a_copy():
    m = model()
    p = m.initialize(1)
    first = m.predict(p, BATCH)
    kept = first.copy()
    m.predict(p, {"x": X + 1})
    assert np.array_equal(first, kept)
    first.fill(0)
    assert np.array_equal(m.predict(p, BATCH), kept)


def test_a_prediction_needs_no_targets():
    m = model()
    assert np.array_equal(m.predict(m.initialize(1), {"x": X}), m.predict(m.initialize(1), BATCH))


def test_a_batch_of_one_is_a_row_of_a_batch():
    m = model(dtype=np.float64)
    p = m.initialize(1)
    rows = [m.predict(p, part(BATCH, slice(i, i + 1)))[0] for i in range(len(X))]
    np.testing.assert_allclose(m.predict(p, BATCH), rows, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("same", [
    lambda x: np.repeat(x, 2, axis=0)[::2], np.asfortranarray, lambda x: x[::-1].copy()[::-1],
    lambda x: np.ascontiguousarray(x.transpose(3, 2, 1, 0)).transpose(3, 2, 1, 0), lambda x: x.astype(">f8"),
], ids=["every second", "Fortran", "backwards", "transposed", "big-endian"])
def test_the_layout_of_the_batch_in_memory_does_not_matter(same):
    m = model()
    p = m.initialize(1)
    (row, flat), (other_row, other) = gradient(m, p, BATCH), gradient(m, p, BATCH | {"x": same(X)})
    assert np.array_equal(row, other_row) and np.array_equal(flat, other)


def test_a_batch_of_bytes_is_taken_as_numbers():
    m, pixels = model(), RANDOM.integers(0, 256, X.shape).astype(np.uint8)
    p = m.initialize(1)
    assert np.array_equal(m.predict(p, {"x": pixels}), m.predict(p, {"x": pixels.astype(np.float64)}))


@pytest.mark.parametrize("shape", [(5, 7), (5, 1), (5,)], ids=str)
def test_a_batch_of_another_shape_is_refused(shape):
    """The last two would go through NumPy's broadcasting unseen."""
    m = model([{"linear": {"units": 2}}], (5,), "mse", ())
    with pytest.raises((ValueError, BptrainError)):
        m.predict(m.initialize(1), {"x": np.zeros(shape)})


def test_batch_and_parameters_are_only_read():
    m, batch = model(), {field: array.copy() for field, array in BATCH.items()}
    p = m.initialize(1)
    for array in [*batch.values(), p.flat, *p.named().values()]:
        array.flags.writeable = False
    gradient(m, p, batch)


def test_steps_of_a_batch_size_seen_before_keep_no_memory():
    m, out = model(), model().layout.zeros()
    p = m.initialize(1)

    def steps(times):
        for _ in range(times):
            m.gradient(p, BATCH, out, KEY), m.evaluate(p, BATCH), m.predict(p, BATCH), m.evaluate(p, part(BATCH, slice(5)))

    def kept():
        steps(30)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    steps(3)
    tracemalloc.start()
    try:
        sizes = [kept() for _ in range(4)]
        # What is kept is kept in every round; now and then a table of the interpreter's own grows in one.
        assert min(after - before for before, after in zip(sizes, sizes[1:])) < 2000  # a plan of this model takes 30 000 bytes and more
    finally:
        tracemalloc.stop()


def test_a_nan_in_the_batch_shows_in_the_loss():
    m, x = model(), X.copy()
    x[3, 1, 1, 0] = np.nan
    assert np.isnan(gradient(m, m.initialize(1), {"x": x, "y": LABELS})[0][0])


# Named inputs, several heads, weights. The trunk reads both inputs; one head classifies, one regresses.
FORKED = {"inputs": {"left": {"shape": [3], "field": "x"}, "right": {"shape": [2]}}, "layers": [
    {"kind": "linear", "name": "a", "inputs": ["left"], "attributes": {"units": 4}},
    {"kind": "linear", "name": "b", "inputs": ["right"], "attributes": {"units": 4}},
    {"kind": "add", "name": "trunk", "inputs": ["a", "b"]},
    {"kind": "linear", "name": "classes", "attributes": {"units": 3}},
    {"kind": "linear", "name": "size", "inputs": ["trunk"], "attributes": {"units": 2}}]}
HEADS = [{"loss": "softmax_cross_entropy", "output": "classes", "metrics": ["accuracy"], "weight": "mask"},
         {"loss": "mse", "output": "size", "target": "z", "scale": 0.25}]


def forked(heads=HEADS, dtype=np.float64):
    return Model(parse({"model": FORKED, "losses": heads, "optimizer": "sgd"}), dtype)


def forked_batch(n=6):
    random = np.random.default_rng(3)
    return {"x": random.standard_normal((n, 3)), "right": random.standard_normal((n, 2)), "y": random.integers(0, 3, n),
            "z": random.standard_normal((n, 2)), "mask": np.arange(n) % 3 > 0}


def test_inputs_are_filled_by_their_fields():
    """By hand, from the parameters."""
    m, batch = forked(), forked_batch()
    p = m.initialize(1)
    view = p.named()
    trunk = batch["x"] @ view["a.weight"] + batch["right"] @ view["b.weight"]
    np.testing.assert_allclose(m.predict(p, batch), trunk @ view["classes.weight"], rtol=1e-12)


def test_an_input_of_integers_stays_integers(doubles):
    """Not by way of float32, which has no 2²⁴ + 1."""
    layers = [{"kind": "lookup", "attributes": {"entries": 2**24 + 2, "units": 1}}]
    inputs = {"ids": {"shape": [2], "integer": True}}
    m = Model(parse({"model": {"inputs": inputs, "layers": layers}, "loss": "mse", "optimizer": "sgd"}))
    p = m.layout.zeros()
    p.nodes[0]["weight"][2**24 + 1] = 7
    assert m.predict(p, {"ids": np.array([[2**24, 2**24 + 1]], np.uint32)}).ravel().tolist() == [0, 7]


def test_a_row_of_several_heads_holds_theirs_in_order():
    """Loss sum and count, correct and counted; then the other's loss sum and count. By hand: zeros give log 3 and Σz²."""
    m, batch = forked(), forked_batch()
    row = m.evaluate(m.layout.zeros(np.float64), batch)
    mask = batch["mask"]
    assert m.row_width == 6
    assert row == pytest.approx([mask.sum() * np.log(3), mask.sum(), np.sum((batch["y"] == 0) & mask), mask.sum(),
                                 np.sum(batch["z"]**2), batch["z"].size])


def test_the_summary_of_several_heads_names_each():
    m = forked()
    assert m.summary(np.array([6.0, 4, 1, 4, 24, 12])) == {
        "loss": 1.5 + 0.25 * 2, "classes_accuracy": 0.25, "classes_loss": 1.5, "size_loss": 2.0}


def test_a_head_that_counted_nothing_is_left_out_of_the_total():
    """Unlabelled batches; of one loss alone there is nothing else to tell."""
    m = forked()
    summary = m.summary(np.array([6.0, 4, 1, 4, 0, 0]))
    assert summary["loss"] == summary["classes_loss"] == 1.5 and np.isnan(summary["size_loss"])
    assert np.isnan(model().summary(np.zeros(4))["loss"])


def test_a_share_of_one_loss_alone_is_in_the_total():
    m = Model(parse({"model": {"input": [2], "layers": named([{"linear": {"units": 2}}])}, "optimizer": "sgd",
                     "losses": [{"loss": "mse", "scale": 3}]}))
    assert m.summary(np.array([6.0, 4])) == {"loss": 4.5}


def test_counts_are_known_before_any_forward_pass():
    m, batch = forked(), forked_batch()
    assert m.counts(batch).tolist() == [4, 12]
    assert m.evaluate(m.initialize(1), batch)[[1, 5]].tolist() == [4, 12]


def test_what_a_mask_leaves_out_may_hold_anything():
    m, batch = forked(), forked_batch()
    p, other = m.initialize(1), {field: array.copy() for field, array in batch.items()}
    other["y"][~batch["mask"]] = 0
    (row, flat), (other_row, other_flat) = gradient2(m, p, batch), gradient2(m, p, other)
    assert np.array_equal(row, other_row) and np.array_equal(flat, other_flat)


def gradient2(m, p, batch, counts=None):
    """(row, flat gradient) of several heads."""
    out = m.layout.zeros(m.dtype)
    return m.gradient(p, batch, out, KEY, m.counts(batch) if counts is None else counts), out.flat


def test_weights_reach_the_metrics():
    m, batch = forked(), forked_batch()
    row = m.evaluate(m.layout.zeros(np.float64), batch | {"mask": np.array([0, 0, 0, 2, 0, 0.5])})
    assert row[3] == 2.5


def test_a_target_that_fits_no_longer_is_an_error():
    """Not silently broadcast."""
    m, batch = forked(), forked_batch()
    with pytest.raises((ValueError, BptrainError)):
        m.evaluate(m.initialize(1), batch | {"z": np.zeros((6, 1))})


def test_the_gradient_of_the_input_is_that_of_the_first_head():
    """By hand for a linear model: a row of output gradients times the weights, backward. The other head, the wider
    one, adds nothing, though its memory holds what an earlier call left there."""
    wide = FORKED | {"layers": FORKED["layers"][:4] + [FORKED["layers"][4] | {"attributes": {"units": 20}}]}
    m, batch = Model(parse({"model": wide, "losses": HEADS, "optimizer": "sgd"}), np.float64), forked_batch()
    p = m.initialize(1)
    view, chosen = p.named(), np.eye(3)[batch["y"]]
    wanted = chosen @ view["classes.weight"].T @ view["a.weight"].T
    for _ in range(3):
        np.testing.assert_allclose(m.input_gradient(p, batch, chosen), wanted, rtol=1e-12)


def test_a_running_statistic_is_the_batch_sum_for_the_update(doubles):
    """Rule 4 of the contract: shards add up to the mean over the global batch times its size."""
    m = model(["centered"], (2,), "mse", (), np.float64)
    p, batch = m.initialize(1), {"x": X[:, :2, 0, 0], "y": X[:, :2, 0, 1]}
    found = []
    for rows in (slice(0, 12), slice(0, 5), slice(5, 12)):
        out = m.layout.zeros(np.float64)
        m.gradient(p, part(batch, rows), out, KEY)
        found.append(out.nodes[0]["mean"])
    np.testing.assert_allclose(found[0], batch["x"].sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found[1] + found[2], found[0], rtol=1e-12)


def test_evaluation_uses_the_running_statistic(doubles):
    m = model(["centered"], (2,), "mse", (), np.float64)
    p, x = m.initialize(1), X[:, :2, 0, 0]
    p.nodes[0]["mean"][...] = [5, 7]
    np.testing.assert_allclose(m.predict(p, {"x": x}), p.nodes[0]["scale"] * (x - [5, 7]), rtol=1e-12)


def test_a_shared_statistic_is_the_batchs_not_the_sum_over_its_users(doubles):
    """Two towers that see the same batch leave the running mean where one would: 0.25 of the way to the batch's."""
    layers = [{"kind": "centered", "name": name, "inputs": ["input"], "share": share} for name, share in [("a", ""), ("b", "a")]]
    m = model([*layers, {"kind": "add", "inputs": ["a", "b"]}], (2,), "mse", (), np.float64)
    p, batch, out, after = m.initialize(1), {"x": X[:, :2, 0, 0], "y": X[:, :2, 0, 1]}, m.layout.zeros(np.float64), m.layout.zeros(np.float64)
    row = m.gradient(p, batch, out, KEY)
    Updater(m.spec, m.layout).update(Pace(1, row[1], 12), out.flat, p.flat, {}, after.flat, {})
    np.testing.assert_allclose(after.nodes[0]["mean"], 0.25 * batch["x"].mean(axis=0), rtol=1e-6)
