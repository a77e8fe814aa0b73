"""batch_norm with `sync`, its batch cut into shards that see no sample of each other: PyTorch's on the whole batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import Model, lockstep, parse
from bpcore.gradcheck import workspace
from bpcore.layers import Case
from bpcore.layers.batch_norm import BatchNorm
from bpcore.model import Key
from bpcore.optimization.update import Pace, Updater

TOLERANCE = {np.float64: 1e-9, np.float32: 1e-5}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
CUTS = {1: [0, 11], 2: [0, 3, 11], 3: [0, 1, 6, 11], 5: [0, 1, 3, 6, 10, 11]}
SHARDS = pytest.mark.parametrize("cuts", CUTS.values(), ids=[f"{n} shards" for n in CUTS])


def relative_error(ours, theirs):
    return np.max(np.abs(ours - theirs)) / max(1, np.max(np.abs(theirs)))


def run(layer, x, dy, p, cuts):
    """(y, dx, gradients summed over the shards) of a layer whose shards know each other's sums alone."""
    parts = [workspace(Case(layer, [x.shape[1:]], stop - start), np.random.default_rng(0), x.dtype) for start, stop in zip(cuts, cuts[1:])]
    for w, start in zip(parts, cuts):
        w.inputs[0][...], w.p = x[start:start + len(w.x)], p
    for backward, call in enumerate((layer.forward, layer.backward)):
        for w, start in zip(parts, cuts):
            w.dy[...] = dy[start:start + len(w.x)]
        totals = sum(layer.collect(w, bool(backward)) for w in parts)
        for w in parts:
            w.totals = totals
            call(w)
    return np.concatenate([w.y for w in parts]), np.concatenate([w.dx for w in parts]), {name: sum(w.g[name] for w in parts) for name in p}


def theirs(torch, layer, x, dy, p):
    """The same by PyTorch from float64; with a momentum of 1 its running statistics are the batch's."""
    channels = x.shape[-1]
    t, gamma, beta = (torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in (x, p["gamma"], p["beta"]))
    mean, variance = torch.zeros(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)
    y = torch.nn.functional.batch_norm(t.movedim(-1, 1), mean, variance, gamma, beta, True, 1.0, layer.epsilon).movedim(1, -1)
    y.backward(torch.tensor(dy, dtype=torch.float64))
    running = {"running_mean": mean * len(x), "running_var": variance * len(x)}
    found = {"gamma": gamma.grad, "beta": beta.grad} | running
    return y.detach().numpy(), t.grad.numpy(), {name: tensor.numpy() for name, tensor in found.items()}


def drawn(seed, shape, dtype, x=None):
    random, channels = np.random.default_rng(seed), shape[-1]
    x = random.standard_normal((11, *shape)) * 3 + 2 if x is None else x
    p = {name: np.abs(random.standard_normal(channels)) for name in ("gamma", "beta", "running_mean", "running_var")}
    dy = random.standard_normal(x.shape)
    return [array.astype(np.float32).astype(dtype) for array in (x, dy)], {name: array.astype(np.float32).astype(dtype) for name, array in p.items()}


def assert_alike(ours, wanted, dtype):
    for got, array in zip(ours[:2], wanted[:2]):
        assert got.dtype == dtype and relative_error(got, array) <= TOLERANCE[dtype]
    assert ours[2].keys() == wanted[2].keys()
    for name, array in wanted[2].items():
        assert ours[2][name].dtype == dtype and relative_error(ours[2][name], array) <= TOLERANCE[dtype], name


@DTYPES
@SHARDS
def test_however_the_batch_is_cut_it_is_pytorchs_on_the_whole(torch, cuts, dtype):
    @settings(max_examples=15, derandomize=True, deadline=None, database=None)
    @given(st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple), st.sampled_from([1e-5, 1e-3, 0.1]), st.integers(0, 99))
    def check(shape, epsilon, seed):
        layer = BatchNorm(epsilon=epsilon, sync=True)
        (x, dy), p = drawn(seed, shape, dtype)
        assert_alike(run(layer, x, dy, p, cuts), theirs(torch, layer, x, dy, p), dtype)

    check()


@SHARDS
@pytest.mark.parametrize("running_mean", [0.0, 500.0], ids=["before the running mean is there", "later"])
def test_a_large_mean_costs_no_accuracy(torch, cuts, running_mean):
    """Sums of squares about zero in float32 would leave no digit of the variance."""
    x = 512 + np.random.default_rng(1).integers(-9, 10, (11, 16, 4))
    (x, dy), p = drawn(1, (16, 4), np.float32, x)
    p["running_mean"].fill(running_mean)
    layer = BatchNorm(sync=True)
    assert_alike(run(layer, x, dy, p, cuts), theirs(torch, layer, x, dy, p), np.float32)


def test_a_shard_of_one_sample_has_a_gradient():
    """Without `sync` its output is β, whatever it is given."""
    (x, dy), p = drawn(0, (4,), np.float64)
    together, apart = (run(BatchNorm(sync=sync), x, dy, p, [*range(12)])[1] for sync in (True, False))
    assert np.abs(together).max() > 0.1 and not apart.any()


# A whole model, trained

LAYERS = [{"kind": "conv2d", "name": "stem", "attributes": {"filters": 3, "kernel": 2}},
          {"kind": "batch_norm", "name": "norm", "attributes": {"sync": True}}, {"kind": "tanh"}, {"kind": "flatten"},
          {"kind": "linear", "name": "body", "attributes": {"units": 5}},
          {"kind": "batch_norm", "name": "last", "attributes": {"sync": True, "momentum": 0.3}},
          {"kind": "linear", "name": "head", "attributes": {"units": 2}}]
JOB = {"model": {"input": [4, 4, 1], "layers": LAYERS}, "loss": "mse", "optimizer": {"sgd": {"learning_rate": 0.1}}}
STEPS = 20


def batch(step):
    random = np.random.default_rng(step)
    return {"x": random.standard_normal((11, 4, 4, 1)), "y": random.standard_normal((11, 2))}


def train(model, p, cuts):
    """The losses of some steps and the parameters behind them."""
    updater, losses = Updater(model.spec, model.layout), []
    for step in range(1, STEPS + 1):
        work = {shard: lockstep.Work({field: array[start:stop] for field, array in batch(step).items()}, model.layout.zeros(np.float64),
                                     Key(1, step, shard)) for shard, (start, stop) in enumerate(zip(cuts, cuts[1:]))}
        row = sum(lockstep.gradients(model, p, work, (1.0,), lambda layer, parts: sum(parts.values())).values())
        total, new = sum(item.out.flat for item in work.values()), model.layout.zeros(np.float64)
        updater.update(Pace(step, row[1], 11), total, p.flat, {}, new.flat, {})
        losses.append(row[0] / row[1])
        p = new
    return np.array(losses), p.named()


def train_theirs(torch, start):
    """The same network by PyTorch: channels first, (units, in) weights."""
    layers = [torch.nn.Conv2d(1, 3, 2), torch.nn.BatchNorm2d(3), torch.nn.Linear(27, 5), torch.nn.BatchNorm1d(5, momentum=0.3), torch.nn.Linear(5, 2)]
    stem, norm, body, last, head = (layer.double() for layer in layers)
    with torch.no_grad():
        stem.weight.copy_(torch.from_numpy(start["stem.weight"]).permute(3, 2, 0, 1))
        body.weight.copy_(torch.from_numpy(start["body.weight"]).T)
        head.weight.copy_(torch.from_numpy(start["head.weight"]).T)
        for layer in (stem, body, head):
            layer.bias.zero_()
    optimizer, losses = torch.optim.SGD([p for layer in layers for p in layer.parameters()], 0.1), []
    for step in range(1, STEPS + 1):
        x, y = (torch.from_numpy(batch(step)[field]) for field in "xy")
        inside = torch.tanh(norm(stem(x.movedim(-1, 1)))).movedim(1, -1).flatten(1)
        loss = torch.nn.functional.mse_loss(head(last(body(inside))), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), {f"{name}.{what}": tensor.numpy() for name, layer in (("norm", norm), ("last", last))
                              for what, tensor in (("running_mean", layer.running_mean), ("running_var", layer.running_var))}


@SHARDS
def test_a_model_trained_in_shards_is_pytorchs_on_whole_batches(torch, cuts):
    """Losses, and the running statistics with the running variance unbiased."""
    model = Model(parse(JOB), np.float64)
    p = model.initialize(3)
    start = {name: view.copy() for name, view in p.named().items()}
    assert not start["stem.bias"].any()
    losses, arrays = train(model, p, cuts)
    wanted, statistics = train_theirs(torch, start)
    np.testing.assert_allclose(losses, wanted, rtol=1e-9)
    for name, array in statistics.items():
        np.testing.assert_allclose(arrays[name], array, rtol=1e-9, atol=1e-12, err_msg=name)
