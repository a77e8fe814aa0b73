"""The gradient of a whole model: right by finite differences, the same however a batch is cut."""

import numpy as np
import pytest

from bpcore import parse
from bpcore.model import Key, Model

KEY = Key(seed=1, step=3, shard=0)


def layer(kind, name=None, inputs=(), share=None, **attributes):
    return {"kind": kind, "attributes": attributes, "name": name, "inputs": list(inputs), "share": share}


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


def built(layers, input_shape, loss="mse", metrics=(), dtype=np.float64):
    job = {"model": {"input": input_shape, "layers": layers}, "loss": loss, "metrics": metrics, "optimizer": "sgd"}
    return Model(parse(job), dtype)


def batch(m, n=10):
    random = np.random.default_rng(2)
    return {"x": random.standard_normal((n, *m.spec.graph.inputs[0].shape)), "y": random.integers(0, 3, n)}


def part(batch, rows):
    return {field: array[rows] for field, array in batch.items()}


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


# Several heads: a classifier with weights, a regression with a mask for each number, one within the trunk.
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


def total(m, row):
    """Σ scale · sum / count over the heads that count something, from a row without metrics."""
    return sum(head.scale * row[2 * i] / row[2 * i + 1] for i, head in enumerate(m.spec.heads) if row[2 * i + 1])


def mean_gradient(m, p, b):
    """(total loss, its gradient): what a step of all the data in one shard does."""
    out, counts = m.layout.zeros(np.float64), m.counts(b)
    row = m.gradient(p, b, out, KEY, counts)
    return total(m, row), out.flat / (counts[0] or 1)


def assert_finite_differences(m, p, b, directions=2, h=1e-6):
    """⟨g, u⟩ against (L(p + hu) − L(p − hu)) / 2h, where L is the total loss; statistics stay as they are."""
    g, start, random = mean_gradient(m, p, b)[1], p.flat.copy(), np.random.default_rng(5)
    for _ in range(directions):
        u, losses = random.standard_normal(p.flat.shape), []
        for slot in m.layout.slots:
            u[slot.place] *= slot.momentum is None
        for sign in (1, -1):
            p.flat[...] = start + sign * h * u
            losses.append(mean_gradient(m, p, b)[0])
        p.flat[...] = start
        assert g @ u == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-6, abs=1e-8)


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


def random_job(seed):
    """A model of 4 to 15 layers on three inputs: branches, repeated reads, shared parameters, dropout, statistics;
    every output that no layer reads, and now and then one that some do, is a head's."""
    random = np.random.default_rng(seed)
    widths, layers, read = {"x": 3, "ids": None}, [], set()

    def pick(width=None):
        names = [name for name, w in widths.items() if w is not None and width in (None, w)]
        read.add(name := names[random.integers(len(names))])
        return name

    def add(kind, inputs, width, share=None, **attributes):
        layers.append(layer(kind, f"n{len(layers)}", inputs, share, **attributes))
        widths[layers[-1]["name"]] = width

    add("lookup", ["ids"], 4, units=4)
    for _ in range(random.integers(3, 14)):
        source = pick()
        width = widths[source]
        match random.integers(8):
            case 0 | 1:
                units = int(random.integers(2, 6))
                alike = [given["name"] for given in layers if given["kind"] == "linear"
                         and (widths[given["inputs"][0]], given["attributes"]["units"]) == (width, units)]
                add("linear", [source], units, random.choice(alike) if alike and random.integers(3) else None, units=units)
            case 2:
                add("tanh", [source], width)
            case 3:
                add("dropout", [source], width, rate=0.3)
            case 4:
                add("centered", [source], width)
            case 5:
                add("masked", [source, "mask"], width)
            case _:
                add("add", [source, *(pick(width) for _ in range(random.integers(1, 3)))], width)
    outputs = [given["name"] for given in layers if given["name"] not in read or not random.integers(8)]
    losses = [{"loss": "mse", "output": name, "target": f"t{widths[name]}", "scale": float(random.uniform(0.2, 2)),
               "weight": ["", "w", "mask"][random.integers(3)]} for name in outputs]
    inputs = {"x": {"shape": [2, 3]}, "ids": {"shape": [2], "integer": True}, "mask": {"shape": [2], "integer": True}}
    inputs = {name: given for name, given in inputs.items() if any(name in each["inputs"] for each in layers)}
    return {"model": {"inputs": inputs, "layers": layers}, "losses": losses, "optimizer": "sgd"}


def random_batch(seed, n=5):
    random = np.random.default_rng(seed)
    targets = {f"t{width}": random.standard_normal((n, 2, width)) for width in range(2, 6)}
    return {"x": random.standard_normal((n, 2, 3)), "ids": random.integers(0, 5, (n, 2)), "mask": random.integers(0, 2, (n, 2)),
            "w": random.random(n), **targets}


@pytest.mark.parametrize("seed", range(60))
def test_any_graph_has_the_right_gradient(doubles, seed):
    """Whichever layers read whichever outputs, and however buffers are shared."""
    m, b = Model(parse(random_job(seed)), np.float64), random_batch(seed)
    p = m.initialize(seed)
    p.flat += 0.1 * np.random.default_rng(seed).standard_normal(p.flat.shape)
    assert_finite_differences(m, p, b)
    before = mean_gradient(m, p, b)[1]
    mean_gradient(m, m.initialize(seed + 1), random_batch(seed + 1)), m.predict(p, random_batch(seed + 2))
    assert mean_gradient(m, p, b)[1].tobytes() == before.tobytes()


def test_the_graphs_above_have_all_that_graphs_may_have():
    jobs = [random_job(seed) for seed in range(60)]
    layers = [given for job in jobs for given in job["model"]["layers"]]
    assert {given["kind"] for given in layers} == {"lookup", "linear", "tanh", "dropout", "centered", "masked", "add"}
    assert sum(given["share"] is not None for given in layers) >= 10
    assert sum(len(given["inputs"]) > len(set(given["inputs"])) for given in layers) >= 10
    assert max(len(job["losses"]) for job in jobs) >= 4


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
