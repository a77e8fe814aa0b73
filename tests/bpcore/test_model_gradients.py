"""The gradient of a whole model: right by finite differences, the same however a batch is cut."""

import numpy as np
import pytest

from bpcore import parse
from bpcore.model import Key, Model

KEY = Key(seed=1, step=3, shard=0)


def layer(kind, name=None, inputs=(), **attributes):
    return {"kind": kind, "attributes": attributes, "name": name, "inputs": list(inputs)}


DENSE = [layer("linear", units=6), layer("tanh"), layer("linear", units=3)]
# stem is read three times, twice by one layer; the model's input by two layers; sum by two more
BRANCHED = [layer("linear", "stem", units=5), layer("tanh", "left"), layer("linear", "right", ["stem"], units=5),
            layer("add", "sum", ["left", "right", "stem", "stem"]), layer("sigmoid", "gate"),
            layer("linear", "skip", ["input"], units=5), layer("add", "join", ["gate", "sum", "skip"]),
            layer("linear", "out", units=3)]
DROPPED = [layer("linear", units=6), layer("dropout", rate=0.3), layer("linear", units=3)]
CONVOLVED = [layer("conv2d", "c", filters=2, kernel=2, padding="same"), layer("tanh"), layer("add", "a", ["tanh_1", "c"]),
             layer("max_pool2d", size=[1, 2]), layer("flatten"), layer("linear", units=3)]
MODELS = {"dense": (DENSE, (4,)), "branched": (BRANCHED, (4,)), "dropout": (DROPPED, (4,)),
          "convolved": (CONVOLVED, (2, 4, 1))}
each_model = pytest.mark.parametrize("name", MODELS)
# dropout draws by shard, and other numbers in float32
each_fixed_model = pytest.mark.parametrize("name", [name for name in MODELS if name != "dropout"])


def model(name, dtype=np.float64):
    layers, input_shape = MODELS[name]
    return Model(parse({"input": input_shape, "layers": layers}, "softmax_cross_entropy", ["accuracy"], "sgd"), dtype)


def batch(m, n=10):
    random = np.random.default_rng(2)
    return random.standard_normal((n, *m.spec.graph.input)), random.integers(0, 3, n)


def gradient(m, parameters, x, labels, key=KEY):
    """(row, flat gradient)."""
    out = m.layout.zeros(m.dtype)
    return m.gradient(parameters, x, labels, out, key), out.flat


@each_model
def test_the_gradient_is_the_finite_difference(name):
    """Along one random direction u: ⟨g, u⟩ against (f(p + hu) − f(p − hu)) / 2h, in float64."""
    m, h = model(name), 1e-6
    p, (x, labels) = m.initialize(1), batch(m)
    _, g = gradient(m, p, x, labels)
    u, start, losses = np.random.default_rng(3).standard_normal(p.flat.shape), p.flat.copy(), []
    for sign in (1, -1):
        p.flat[...] = start + sign * h * u
        losses.append(gradient(m, p, x, labels)[0][0])
    assert g @ u == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-7)


def test_every_parameter_of_a_branched_model_has_the_right_gradient():
    """One at a time, so that no two errors can cancel."""
    m, h = model("branched"), 1e-6
    p, (x, labels) = m.initialize(1), batch(m)
    _, g = gradient(m, p, x, labels)
    for slot in m.layout.slots:
        start, losses = p.flat[slot.offset], []
        for p.flat[slot.offset] in (start + h, start - h):
            losses.append(m.evaluate(p, x, labels)[0])
        p.flat[slot.offset] = start
        assert g[slot.offset] == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-6, abs=1e-8), slot.full_name


@pytest.mark.parametrize("cuts", [[0, 5, 10], [0, 1, 3, 10], list(range(11))], ids=str)
@each_fixed_model
def test_gradients_of_shards_add_up_to_that_of_the_batch(name, cuts):
    m = model(name)
    p, (x, labels) = m.initialize(1), batch(m)
    parts = [gradient(m, p, x[a:b], labels[a:b]) for a, b in zip(cuts, cuts[1:])]
    row, whole = gradient(m, p, x, labels)
    np.testing.assert_allclose(sum(g for _, g in parts), whole, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(sum(r for r, _ in parts), row, rtol=1e-12)


@each_model
def test_the_gradient_is_written_whole_and_gaps_are_left_alone(name):
    m = model(name, np.float32)
    out, gaps = m.layout.zeros(), m.layout.zeros()
    out.flat.fill(np.nan)
    for view in gaps.named().values():
        view.fill(1)
    m.gradient(m.initialize(1), *batch(m), out, KEY)
    assert np.array_equal(np.isnan(out.flat), gaps.flat == 0)


@each_model
def test_what_a_model_did_before_changes_nothing(name):
    used, fresh = model(name, np.float32), model(name, np.float32)
    p, (x, labels) = fresh.initialize(1), batch(fresh)
    used.predict(used.initialize(5), x), gradient(used, used.initialize(5), 2 * x, labels, Key(9, 9, 9))
    for a, b in zip(gradient(used, p, x, labels), gradient(fresh, p, x, labels)):
        assert a.tobytes() == b.tobytes()


@each_fixed_model
def test_float32_is_close_to_float64(name):
    single, double = model(name, np.float32), model(name)
    x, labels = batch(single)
    g = gradient(single, single.initialize(1), x, labels)[1]
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, gradient(double, double.initialize(1), x, labels)[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("key", "same"), [
    (Key(1, 3, 0), True), (Key(2, 3, 0), False), (Key(1, 4, 0), False), (Key(1, 3, 1), False),
], ids=["same key", "seed", "step", "shard"])
def test_random_layers_draw_by_the_key_alone(key, same):
    m = model("dropout")
    p, (x, labels) = m.initialize(1), batch(m)
    assert np.array_equal(gradient(m, p, x, labels)[1], gradient(m, p, x, labels, key)[1]) == same


def test_two_random_layers_draw_apart():
    """Through both masks a sample of ones keeps less than through one of them."""
    layers = [layer("dropout", rate=0.5), layer("dropout", rate=0.5)]
    m = Model(parse({"input": [1000], "layers": layers}, "mse", [], "sgd"))
    row = m.gradient(m.layout.zeros(), np.ones((1, 1000)), np.zeros((1, 1000)), m.layout.zeros(), KEY)
    kept = row[0] / 16  # each kept value is 4, squared
    assert abs(kept - 250) < 5 * np.sqrt(1000 * 0.25 * 0.75)


def test_evaluation_drops_nothing_even_after_training():
    m = model("dropout")
    p, (x, labels) = m.initialize(1), batch(m)
    first, second = p.nodes[0], p.nodes[2]
    gradient(m, p, x, labels)
    by_hand = (x @ first["weight"] + first["bias"]) @ second["weight"] + second["bias"]
    np.testing.assert_allclose(m.predict(p, x), by_hand, rtol=1e-12)
    assert m.evaluate(p, x, labels)[0] == pytest.approx(m.spec.loss.evaluate(by_hand, labels, None)[0])


def test_the_gradient_is_that_of_the_sum():
    """By hand for one linear layer: d Σ (x w + b)² with x = 1, 2, w = 3, b = 0 is (2·1·3 + 2·2·6, 2·3 + 2·6)."""
    m = Model(parse({"input": [1], "layers": [layer("linear", units=1)]}, "mse", [], "sgd"))
    p, out = m.layout.zeros(), m.layout.zeros()
    p.nodes[0]["weight"][...] = 3
    row = m.gradient(p, np.array([[1], [2]]), np.zeros(2), out, KEY)
    assert (out.nodes[0]["weight"].item(), out.nodes[0]["bias"].item()) == (30, 18)
    assert row.tolist() == [9 + 36, 2]
