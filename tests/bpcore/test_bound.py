"""What is bound to a vector is made once, follows the numbers in it, and goes with it."""

import gc
import weakref

import numpy as np

from bpcore import parse
from bpcore.arena import Layout, Owner
from bpcore.bound import ByVector
from bpcore.model import Key, Model

LAYOUT = Layout([Owner("a", {"weight": (2, 3)})])
KEY = Key(seed=1, step=0, shard=0)
BATCH = {"x": np.random.default_rng(2).standard_normal((6, 5)).astype(np.float32), "y": np.arange(6) % 3}


def model():
    layers = [{"kind": kind, "attributes": attributes} for kind, attributes in (
        ("linear", {"units": 7}), ("relu", {}), ("dropout", {"rate": 0.3}), ("linear", {"units": 3}))]
    return Model(parse({"model": {"input": [5], "layers": layers}, "loss": "softmax_cross_entropy", "optimizer": "sgd"}))


def test_it_is_made_once_for_each_vector():
    made, one, other = [], LAYOUT.zeros(), LAYOUT.zeros()
    bound = ByVector(lambda vector: made.append(vector) or len(made))
    assert [bound.of(vector) for vector in (one, other, one, other)] == [1, 2, 1, 2]


def test_it_goes_with_its_vector():
    """And another vector, which may lie where the first one was, gets its own."""
    class Thing: ...
    bound, vector = ByVector(lambda vector: Thing()), LAYOUT.zeros()
    thing = weakref.ref(bound.of(vector))
    del vector
    gc.collect()
    assert thing() is None


def test_a_model_holds_no_vectors_but_the_last():
    m = model()
    vectors = [m.initialize(1), m.layout.zeros()]
    m.gradient(vectors[0], BATCH, vectors[1], KEY)
    m.evaluate(vectors[0], BATCH)
    gone = [weakref.ref(array) for vector in vectors for array in (vector, vector.flat.base)]
    vectors = [m.initialize(2), m.layout.zeros()]
    m.gradient(vectors[0], BATCH, vectors[1], KEY)
    gc.collect()
    assert [array() is None for array in gone] == [True] * 4


def test_buffers_that_take_turns_give_what_new_ones_give():
    """Two buffers of parameters and two of gradients, in all pairs, while the numbers in them change."""
    m, random = model(), np.random.default_rng(3)
    ours, outs = [m.initialize(seed) for seed in (1, 2)], [m.layout.zeros() for _ in range(2)]
    for step in range(8):
        parameters, out = ours[step % 2], outs[step // 2 % 2]
        parameters.flat += random.standard_normal(parameters.flat.size).astype(np.float32) / 10
        row = m.gradient(parameters, BATCH, out, Key(1, step, 0))
        fresh, wanted = model(), m.layout.zeros()
        copied = fresh.layout.zeros()
        copied.flat[...] = parameters.flat
        assert fresh.gradient(copied, BATCH, wanted, Key(1, step, 0)).tolist() == row.tolist()
        assert wanted.flat.tobytes() == out.flat.tobytes()


def test_training_and_evaluation_take_turns():
    m = model()
    parameters, out = m.initialize(1), m.layout.zeros()
    before = m.evaluate(parameters, BATCH)
    trained = m.gradient(parameters, BATCH, out, KEY)
    assert m.evaluate(parameters, BATCH).tolist() == before.tolist() != trained.tolist()
