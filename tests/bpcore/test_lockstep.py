"""Layers that look at the whole global batch: however it is cut, and wherever the shards are, one result."""

import numpy as np
import pytest

from bpcore import Model, diagnosis, lockstep, parse
from bpcore.lockstep import Work
from bpcore.model import Key

LAYERS = [{"kind": "linear", "name": "a", "attributes": {"units": 3}}, {"kind": "levelled", "name": "b"}, {"kind": "tanh", "name": "c"},
          {"kind": "add", "name": "d", "inputs": ["b", "c"]}, {"kind": "levelled", "name": "e"},
          {"kind": "linear", "name": "out", "attributes": {"units": 2}}]
RANDOM = np.random.default_rng(4)
BATCH = {"x": RANDOM.standard_normal((9, 4)), "y": RANDOM.standard_normal((9, 2))}


@pytest.fixture
def model(doubles):
    job = {"model": {"input": [4], "layers": LAYERS}, "loss": "mse", "optimizer": "sgd"}
    return Model(parse(job), np.float64)


def work(model, cuts):
    """Shard → its part of the batch."""
    return {shard: Work({field: array[start:stop] for field, array in BATCH.items()}, model.layout.zeros(np.float64), Key(1, 0, shard))
            for shard, (start, stop) in enumerate(zip(cuts, cuts[1:]))}


def summed(position, parts):
    """The total where one rank has all shards."""
    return sum(parts.values())


def run(model, p, cuts):
    """(row, flat gradient), summed over the shards."""
    shards = work(model, cuts)
    rows = lockstep.gradients(model, p, shards, (1.0,), summed)
    return sum(rows.values()), sum(item.out.flat for item in shards.values())


def test_the_layers_that_need_sums_are_found(model):
    assert lockstep.widths(model) == {1: 4, 4: 4}


@pytest.mark.parametrize("cuts", [[0, 3, 6, 9], [0, 1, 9], list(range(10))], ids=str)
def test_however_a_batch_is_cut_its_gradient_is_one(model, cuts):
    p = model.initialize(1)
    (row, flat), (whole_row, whole) = run(model, p, cuts), run(model, p, [0, 9])
    np.testing.assert_allclose(row, whole_row, rtol=1e-12)
    np.testing.assert_allclose(flat, whole, rtol=1e-11, atol=1e-14)


def test_the_gradient_is_the_finite_difference(model):
    """Through the sums over all shards, too: a sample's loss depends on every other sample."""
    p, h = model.initialize(1), 1e-6
    g, u, start, losses = run(model, p, [0, 4, 9])[1], RANDOM.standard_normal(p.flat.shape), p.flat.copy(), []
    for sign in (1, -1):
        p.flat[...] = start + sign * h * u
        losses.append(run(model, p, [0, 4, 9])[0][0])
    assert g @ u == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-7)


def test_shards_on_two_ranks_are_as_on_one(model):
    """Each rank is told the totals that all shards have together, recorded from a run on one."""
    p, whole, recorded = model.initialize(1), work(model, [0, 3, 6, 9]), []

    def record(position, parts):
        recorded.append((position, sum(parts.values())))
        return recorded[-1][1]

    rows = lockstep.gradients(model, p, whole, (1.0,), record)
    for mine in ((0, 2), (1,)):
        shards, told = {shard: item for shard, item in work(model, [0, 3, 6, 9]).items() if shard in mine}, iter(recorded)
        found = lockstep.gradients(model, p, shards, (1.0,), lambda position, parts: next(told)[1])
        for shard in mine:
            assert found[shard].tobytes() == rows[shard].tobytes()
            assert shards[shard].out.flat.tobytes() == whole[shard].out.flat.tobytes()


def test_a_rank_without_shards_takes_part_in_every_sum(model):
    asked = []
    assert lockstep.gradients(model, model.initialize(1), {}, (1.0,), lambda position, parts: asked.append((position, dict(parts)))) == {}
    assert asked == [(1, {}), (4, {}), (4, {}), (1, {})]


def test_without_such_layers_it_is_the_plain_gradient():
    plain = Model(parse({"model": {"input": [4], "layers": [layer for layer in LAYERS if layer["kind"] == "linear"]},
                         "loss": "mse", "optimizer": "sgd"}), np.float64)
    p, out = plain.initialize(1), plain.layout.zeros(np.float64)
    row = plain.gradient(p, BATCH, out, Key(1, 0, 0))
    found = run(plain, p, [0, 9])
    assert lockstep.widths(plain) == {}
    assert found[0].tobytes() == row.tobytes() and found[1].tobytes() == out.flat.tobytes()


def test_evaluation_needs_no_sums(model):
    assert np.isfinite(model.evaluate(model.initialize(1), BATCH)).all()


def test_a_shards_diagnosis_is_that_of_its_own_batch(model):
    """Activations, of the layers in front of the first that looks at the whole batch: as of the shard alone."""
    p, shards = model.initialize(1), work(model, [0, 4, 9])
    lockstep.gradients(model, p, shards, (1.0,), summed)
    for shard, row in lockstep.diagnoses(model, shards).items():
        outputs = shards[shard].batch["x"] @ p.nodes[0]["weight"] + p.nodes[0]["bias"]
        assert row[:2] == pytest.approx([np.square(outputs).sum(), outputs.size], rel=1e-12)
        assert row.shape == (diagnosis.WIDTH * len(LAYERS),)
