"""The gradient of a model with several losses: a classifier with weights, a regression with a mask for each number, one within
the trunk."""

import numpy as np
import pytest

from bpcore import parse
from bpcore.model import Model
from tests.bpcore.gradients import KEY, assert_finite_differences, built, layer, mean_gradient, part, total

HEADS = [{"loss": "softmax_cross_entropy", "output": "classes", "weight": "w"},
         {"loss": "mse", "output": "size", "target": "z", "weight": "mask", "scale": 0.3},
         {"loss": "sigmoid_cross_entropy", "output": "stem", "target": "t", "scale": 2}]
TREE = [layer("linear", "stem", units=4), layer("tanh", "trunk"), layer("linear", "classes", units=3),
        layer("linear", "size", ["trunk"], units=2)]


def forked(heads=HEADS):
    return Model(parse({"model": {"input": [5], "layers": TREE}, "losses": heads, "optimizer": "sgd"}), np.float64)


def forked_batch(n=9):
    random = np.random.default_rng(3)
    return {"x": random.standard_normal((n, 5)), "y": random.integers(0, 3, n), "w": random.random(n) * (np.arange(n) % 3 > 0),
            "z": random.standard_normal((n, 2)), "mask": random.integers(0, 2, (n, 2)).astype(bool), "t": random.integers(0, 2, (n, 4))}


def test_the_gradient_of_several_heads_is_that_of_the_total_loss():
    """Divided by the first head's count, as the update does, though all their counts differ."""
    m, b = forked(), forked_batch()
    assert len(set(m.counts(b).tolist())) == 3
    assert_finite_differences(m, m.initialize(1), b)


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 0, 2]], ids=str)
def test_the_order_of_heads_changes_nothing(order):
    m, other, b = forked(), forked([HEADS[i] for i in order]), forked_batch()
    p = m.initialize(1)
    (loss, g), (other_loss, other_g) = mean_gradient(m, p, b), mean_gradient(other, p, b)
    assert loss == pytest.approx(other_loss, rel=1e-12)
    np.testing.assert_allclose(g, other_g, rtol=1e-11, atol=1e-14)


def test_shards_of_several_heads_add_up_by_the_counts_of_the_global_batch():
    """Also where a shard has no weight at all for a head: the first sample counts nothing for the classifier."""
    m, b = forked(), forked_batch()
    p, counts = m.initialize(1), m.counts(b)
    shards = [part(b, slice(start, stop)) for start, stop in [(0, 1), (1, 4), (4, 9)]]
    assert m.counts(shards[0])[0] == 0
    np.testing.assert_allclose(sum(m.counts(shard) for shard in shards), counts, rtol=1e-14)
    found = sum(mean_gradient_of_shard(m, p, shard, counts) for shard in shards)
    np.testing.assert_allclose(found / counts[0], mean_gradient(m, p, b)[1], rtol=1e-11, atol=1e-14)


def mean_gradient_of_shard(m, p, shard, counts):
    out = m.layout.zeros(np.float64)
    m.gradient(p, shard, out, KEY, counts)
    return out.flat.copy()


@pytest.mark.parametrize("field", ["w", "mask"])
def test_a_head_that_counts_nothing_adds_nothing(field):
    """A batch without labels for one head: the others still learn, also where that head is the first, by whose
    count the update divides (or by 1, where that is 0)."""
    m, b = forked(), forked_batch()
    b[field][...] = 0
    p = m.initialize(1)
    assert 0 in m.counts(b)
    assert mean_gradient(m, p, b)[1].any()
    assert_finite_differences(m, p, b)


def test_a_head_of_share_one_alone_has_the_gradient_of_the_sum():
    """What is divided by afterwards is its count, so that its counts need not be known before."""
    m = built([layer("linear", units=2)], [5], "mse")
    b = {"x": forked_batch()["x"], "y": forked_batch()["z"]}
    p, out = m.initialize(1), m.layout.zeros(np.float64)
    m.gradient(p, b, out, KEY)
    assert np.array_equal(out.flat, mean_gradient_of_shard(m, p, b, m.counts(b)))


def test_two_losses_of_one_output_add_up():
    """Such as dice and cross-entropy in segmentation."""
    heads = [HEADS[1], {"loss": "sigmoid_cross_entropy", "output": "size", "target": "s", "scale": 0.5}]
    layers, b = [TREE[0], TREE[1], TREE[3]], forked_batch()
    b["s"] = (b["z"] > 0).astype(int)
    m = Model(parse({"model": {"input": [5], "layers": layers}, "losses": heads, "optimizer": "sgd"}), np.float64)
    p = m.initialize(1)
    assert_finite_differences(m, p, b)
    row = m.evaluate(p, b)
    assert sorted(m.summary(row).values()) == pytest.approx(sorted([row[0] / row[1], row[2] / row[3], total(m, row)]))
