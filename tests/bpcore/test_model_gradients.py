"""The gradient of a whole model: right by finite differences, the same however a batch is cut."""

import numpy as np
import pytest

from bpcore.model import Key
from tests.bpcore.gradients import KEY, built, layer, part

DENSE = [layer("linear", units=6), layer("tanh"), layer("linear", units=3)]
# stem is read three times, twice by one layer; the model's input by two layers; sum by two more
BRANCHED = [layer("linear", "stem", units=5), layer("tanh", "left"), layer("linear", "right", ["stem"], units=5),
            layer("add", "sum", ["left", "right", "stem", "stem"]), layer("sigmoid", "gate"),
            layer("linear", "skip", ["input"], units=5), layer("add", "join", ["gate", "sum", "skip"]),
            layer("linear", "out", units=3)]
DROPPED = [layer("linear", units=6), layer("dropout", rate=0.3), layer("linear", units=3)]
CONVOLVED = [layer("conv2d", "c", filters=2, kernel=2, padding="same"), layer("tanh"), layer("add", "a", ["tanh_1", "c"]),
             layer("max_pool2d", size=[1, 2]), layer("flatten"), layer("linear", units=3)]
# the second tower is the first one; "last" shares the weight alone, and is itself shared
SHARED = [layer("linear", "one", ["input"], units=4), layer("tanh"), layer("linear", "two", share="one", units=4),
          layer("add", "both", ["one", "two"]), layer("linear", "last", share="one", units=4, bias=False),
          layer("sigmoid"), layer("linear", "again", share="last", units=4), layer("linear", "out", units=3)]
MODELS = {"dense": (DENSE, (4,)), "branched": (BRANCHED, (4,)), "dropout": (DROPPED, (4,)),
          "convolved": (CONVOLVED, (2, 4, 1)), "shared": (SHARED, (4,))}
each_model = pytest.mark.parametrize("name", MODELS)
# dropout draws by shard, and other numbers in float32
each_fixed_model = pytest.mark.parametrize("name", [name for name in MODELS if name != "dropout"])


def model(name, dtype=np.float64):
    layers, input_shape = MODELS[name]
    return built(layers, input_shape, "softmax_cross_entropy", ["accuracy"], dtype)


def batch(m, n=10):
    random = np.random.default_rng(2)
    return {"x": random.standard_normal((n, *m.spec.graph.inputs[0].shape)), "y": random.integers(0, 3, n)}


def gradient(m, parameters, batch, key=KEY):
    """(row, flat gradient)."""
    out = m.layout.zeros(m.dtype)
    return m.gradient(parameters, batch, out, key), out.flat


@each_model
def test_the_gradient_is_the_finite_difference(name):
    """Along one random direction u: ⟨g, u⟩ against (f(p + hu) − f(p − hu)) / 2h, in float64."""
    m, h = model(name), 1e-6
    p, b = m.initialize(1), batch(m)
    _, g = gradient(m, p, b)
    u, start, losses = np.random.default_rng(3).standard_normal(p.flat.shape), p.flat.copy(), []
    for sign in (1, -1):
        p.flat[...] = start + sign * h * u
        losses.append(gradient(m, p, b)[0][0])
    assert g @ u == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-7)


def test_every_parameter_of_a_branched_model_has_the_right_gradient():
    """One at a time, so that no two errors can cancel."""
    m, h = model("branched"), 1e-6
    p, b = m.initialize(1), batch(m)
    _, g = gradient(m, p, b)
    for slot in m.layout.slots:
        start, losses = p.flat[slot.offset], []
        for p.flat[slot.offset] in (start + h, start - h):
            losses.append(m.evaluate(p, b)[0])
        p.flat[slot.offset] = start
        assert g[slot.offset] == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-6, abs=1e-8), slot.full_name


@pytest.mark.parametrize("cuts", [[0, 5, 10], [0, 1, 3, 10], list(range(11))], ids=str)
@each_fixed_model
def test_gradients_of_shards_add_up_to_that_of_the_batch(name, cuts):
    m = model(name)
    p, b = m.initialize(1), batch(m)
    parts = [gradient(m, p, part(b, slice(start, stop))) for start, stop in zip(cuts, cuts[1:])]
    row, whole = gradient(m, p, b)
    np.testing.assert_allclose(sum(g for _, g in parts), whole, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(sum(r for r, _ in parts), row, rtol=1e-12)


@each_model
def test_the_gradient_is_written_whole_and_gaps_are_left_alone(name):
    m = model(name, np.float32)
    out, gaps = m.layout.zeros(), m.layout.zeros()
    out.flat.fill(np.nan)
    for view in gaps.named().values():
        view.fill(1)
    m.gradient(m.initialize(1), batch(m), out, KEY)
    assert np.array_equal(np.isnan(out.flat), gaps.flat == 0)


@each_model
def test_what_a_model_did_before_changes_nothing(name):
    used, fresh = model(name, np.float32), model(name, np.float32)
    p, b = fresh.initialize(1), batch(fresh)
    used.predict(used.initialize(5), b), gradient(used, used.initialize(5), b | {"x": 2 * b["x"]}, Key(9, 9, 9))
    for one, other in zip(gradient(used, p, b), gradient(fresh, p, b)):
        assert one.tobytes() == other.tobytes()


@each_fixed_model
def test_float32_is_close_to_float64(name):
    single, double = model(name, np.float32), model(name)
    b = batch(single)
    g = gradient(single, single.initialize(1), b)[1]
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, gradient(double, double.initialize(1), b)[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("key", "same"), [
    (Key(1, 3, 0), True), (Key(2, 3, 0), False), (Key(1, 4, 0), False), (Key(1, 3, 1), False),
], ids=["same key", "seed", "step", "shard"])
def test_random_layers_draw_by_the_key_alone(key, same):
    m = model("dropout")
    p, b = m.initialize(1), batch(m)
    assert np.array_equal(gradient(m, p, b)[1], gradient(m, p, b, key)[1]) == same


def test_two_random_layers_draw_apart():
    """Through both masks a sample of ones keeps less than through one of them."""
    layers = [layer("dropout", rate=0.5), layer("dropout", rate=0.5)]
    m = built(layers, [1000], dtype=np.float32)
    row, _ = gradient(m, m.layout.zeros(), {"x": np.ones((1, 1000)), "y": np.zeros((1, 1000))})
    kept = row[0] / 16  # each kept value is 4, squared
    assert abs(kept - 250) < 5 * np.sqrt(1000 * 0.25 * 0.75)


def test_evaluation_drops_nothing_even_after_training():
    m = model("dropout")
    p, b = m.initialize(1), batch(m)
    first, second = p.nodes[0], p.nodes[2]
    gradient(m, p, b)
    by_hand = (b["x"] @ first["weight"] + first["bias"]) @ second["weight"] + second["bias"]
    np.testing.assert_allclose(m.predict(p, b), by_hand, rtol=1e-12)
    assert m.evaluate(p, b)[0] == pytest.approx(m.spec.heads[0].loss.evaluate(by_hand, b["y"], None, None)[0])


def test_the_gradient_is_that_of_the_sum():
    """By hand for one linear layer: d Σ (x w + b)² with x = 1, 2, w = 3, b = 0 is (2·1·3 + 2·2·6, 2·3 + 2·6)."""
    m = built([layer("linear", units=1)], [1], dtype=np.float32)
    p, out = m.layout.zeros(), m.layout.zeros()
    p.nodes[0]["weight"][...] = 3
    row = m.gradient(p, {"x": np.array([[1], [2]]), "y": np.zeros(2)}, out, KEY)
    assert (out.nodes[0]["weight"].item(), out.nodes[0]["bias"].item()) == (30, 18)
    assert row.tolist() == [9 + 36, 2]


def test_the_gradient_of_a_shared_parameter_is_the_sum_over_its_users():
    """Of the same layers with parameters of their own that happen to be equal."""
    shared, apart = model("shared"), built([given | {"share": ""} for given in SHARED], (4,), "softmax_cross_entropy")
    p, b, alone = shared.initialize(1), batch(shared), apart.layout.zeros(np.float64)
    for node, views in enumerate(alone.nodes):
        for name, view in views.items():
            view[...] = p.nodes[node][name]
    out, each = shared.layout.zeros(np.float64), apart.layout.zeros(np.float64)
    shared.gradient(p, b, out, KEY), apart.gradient(alone, b, each, KEY)
    users = {"weight": ("one", "two", "last", "again"), "bias": ("one", "two")}
    for name, layers in users.items():
        np.testing.assert_allclose(out.named()[f"one.{name}"], sum(each.named()[f"{user}.{name}"] for user in layers), rtol=1e-11)
    np.testing.assert_allclose(out.named()["again.bias"], each.named()["again.bias"], rtol=1e-11)
