"""The update against a reference in plain NumPy, written from the docstrings: whole arrays by name, no blocks,
no flat vector, float64. Where PyTorch has the same step, it is a second witness.
"""

import dataclasses
import fnmatch
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import Model, parse
from bpcore.arena import Layout, Owner
from bpcore.errors import InvalidInput
from bpcore.graph import Graph, Input, Node
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Layer, Parameter
from bpcore.losses.mse import Mse
from bpcore.model import Key
from bpcore.optimizers.adam import Adam
from bpcore.optimizers.lamb import Lamb
from bpcore.optimizers.lars import Lars
from bpcore.optimizers.sgd import Sgd
from bpcore.regularization import Clipping, Group, Regularization
from bpcore.spec import Head, Spec
from bpcore.update import AVERAGE, BLOCK, Pace, Updater

TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
LAYOUT = Layout([Owner("stem", {"weight": (150, 240), "bias": (7,)}),
                 Owner("norm", {"mean": (5,), "scale": (5,)}, {"mean": 0.1}),
                 Owner("head", {"weight": (3, 4, 5), "bias": (5,)})])
STATISTICS = {"norm.mean": 0.1}
assert 150 * 240 > BLOCK  # one parameter lies in two blocks


def flat(arrays, dtype):
    vector = LAYOUT.zeros(dtype)
    for name, view in vector.named().items():
        view[...] = arrays[name]
    return vector


@cache
def drawn(seed):
    """An array for each parameter, of numbers that float32 has, too."""
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(view.shape).astype(np.float32).astype(np.float64)
            for name, view in LAYOUT.zeros().named().items()}


class Reference:
    """sgd with momentum; everything around it as bpcore/update.py and bpcore/regularization.py say."""

    def __init__(self, spec, arrays):
        self.spec, self.p = spec, {name: array.copy() for name, array in arrays.items()}
        self.v = {name: np.zeros_like(array) for name, array in arrays.items()}
        self.average = None

    def setting(self, name, what, default):
        """That of the last group that matches."""
        values = [getattr(group, what) for group in self.spec.groups if fnmatch.fnmatchcase(name, group.match)]
        return ([default] + [value for value in values if value is not None])[-1]

    def frozen(self, name, epoch):
        return self.setting(name, "frozen", False) or epoch < self.setting(name, "frozen_epochs", 0)

    def clipped(self, pace, sums):
        """The mean gradients of what is trained now."""
        clipping = self.spec.clipping
        g = {name: array / pace.count for name, array in sums.items() if name not in STATISTICS and not self.frozen(name, pace.epoch)}
        if clipping.value:
            g = {name: np.maximum(np.minimum(array, clipping.value), -clipping.value) for name, array in g.items()}
        if clipping.norm:
            g = {name: array * min(1, clipping.norm / np.linalg.norm(array)) for name, array in g.items()}
        if clipping.global_norm:
            total = np.sqrt(sum(np.square(array).sum() for array in g.values()))
            g = {name: array * min(1, clipping.global_norm / total) for name, array in g.items()}
        return g

    def step(self, pace, sums):
        o, extra = self.spec.optimizer, self.spec.regularization
        for name, g in self.clipped(pace, sums).items():
            p, penalised = self.p[name], not any(fnmatch.fnmatchcase(name, pattern) for pattern in extra.exclude)
            g = g + penalised * (extra.l1 * np.sign(p) + extra.l2 * p)
            self.v[name] = o.momentum * self.v[name] + g
            decay = self.setting(name, "weight_decay", penalised * extra.weight_decay)
            rate = o.learning_rate * pace.factor * self.setting(name, "learning_rate_scale", 1.0)
            self.p[name] = p = p - rate * (self.v[name] + decay * p)
            if extra.max_norm and penalised and p.ndim > 1:
                norms = np.sqrt((p**2).sum(axis=tuple(range(p.ndim - 1))))
                self.p[name] = p * np.minimum(1, extra.max_norm / norms)
        for name, momentum in STATISTICS.items():
            self.p[name] = (1 - momentum) * self.p[name] + momentum * sums[name] / pace.samples
        self.move_average()

    def move_average(self):
        decay = self.spec.average
        old = self.p if self.average is None else self.average
        self.average = {name: decay * old[name] + (1 - decay) * p for name, p in self.p.items()}


class Trained:
    """The same by the Updater; each step's new vectors are full of NaN until written."""

    def __init__(self, spec, arrays, dtype):
        self.updater, self.dtype = Updater(spec, LAYOUT), dtype
        self.p, self.state = flat(arrays, dtype), {name: LAYOUT.zeros(dtype) for name in self.updater.state}

    def step(self, pace, sums):
        new_p, new_state = LAYOUT.zeros(self.dtype), {name: LAYOUT.zeros(self.dtype) for name in self.state}
        for vector in [new_p, *new_state.values()]:
            vector.flat.fill(np.nan)
        old = [flat(sums, self.dtype).flat, self.p.flat, *(vector.flat for vector in self.state.values())]
        before = [array.tobytes() for array in old]
        self.updater.update(pace, old[0], self.p.flat, {name: vector.flat for name, vector in self.state.items()},
                            new_p.flat, {name: vector.flat for name, vector in new_state.items()})
        assert [array.tobytes() for array in old] == before, "an old vector was written"
        self.p, self.state = new_p, new_state

    def arrays(self, vector=None):
        return (vector or self.p).named()


def spec(optimizer=Sgd(learning_rate=0.1), **settings):
    return Spec(None, (), optimizer, **settings)


def paces(steps):
    """Changing counts, samples, factors and epochs."""
    return [Pace(step, count=3.0 + step, samples=2 + step, factor=1 / step, epoch=step - 1) for step in range(1, steps + 1)]


def run(spec, dtype=np.float64, steps=4):
    """Ours after some steps."""
    ours = Trained(spec, drawn(0), dtype)
    for pace in paces(steps):
        ours.step(pace, drawn(pace.step))
    return ours


def run_reference(spec, steps=4):
    reference = Reference(spec, drawn(0))
    for pace in paces(steps):
        reference.step(pace, drawn(pace.step))
    return reference


def assert_alike(ours, reference, dtype):
    """Relative to the largest number of each array."""
    pairs = [(ours.arrays(), reference.p)]
    if ours.updater.state[-1:] == (AVERAGE,):
        pairs.append((ours.arrays(ours.state[AVERAGE]), reference.average))
    for got, wanted in pairs:
        for name, array in wanted.items():
            assert got[name].dtype == dtype
            assert np.abs(got[name] - array).max() <= TOLERANCE[dtype] * np.abs(array).max(), name


SOME = st.sampled_from([0.0, 0.0, 0.01, 0.3, 2.0])
PATTERNS = st.sampled_from(["*", "*.bias", "stem.*", "head.weight", "norm.*", "*.[sw]*"])
GROUPS = st.builds(Group, PATTERNS, st.sampled_from([0.0, 0.1, 1.0, 3.0]), st.none() | SOME, st.sampled_from([False, False, True]),
                   st.integers(0, 3))
SPECS = st.builds(
    spec, st.builds(Sgd, st.floats(0.001, 0.5), st.sampled_from([0.0, 0.9])),
    regularization=st.builds(Regularization, SOME, SOME, SOME, st.sampled_from([0.0, 0.5, 3.0]), st.lists(PATTERNS, max_size=2).map(tuple)),
    clipping=st.builds(Clipping, SOME, SOME, st.sampled_from([0.0, 0.5, 20.0])),
    groups=st.lists(GROUPS, max_size=3).map(tuple), average=st.sampled_from([0.0, 0.5, 0.99]))


@DTYPES
def test_any_mixture_of_settings_is_the_reference(dtype):
    @settings(derandomize=True, max_examples=40, deadline=None)
    @given(SPECS)
    def check(spec):
        assert_alike(run(spec, dtype), run_reference(spec), dtype)

    check()


# One by one, so that a failure says which

@DTYPES
@pytest.mark.parametrize("setting", [
    {"regularization": Regularization(l1=0.3)}, {"regularization": Regularization(l2=0.3)}, {"regularization": Regularization(weight_decay=0.3)},
    {"regularization": Regularization(max_norm=0.5)}, {"regularization": Regularization(1.0, 1.0, 1.0, 1.0, ("*.bias", "norm.*"))},
    {"clipping": Clipping(value=0.1)}, {"clipping": Clipping(norm=0.5)}, {"clipping": Clipping(global_norm=0.5)},
    {"clipping": Clipping(0.2, 1.0, 1.5)}, {"clipping": Clipping(global_norm=1e6)},
    {"groups": (Group("stem.*", 0.1),)}, {"groups": (Group("*.bias", weight_decay=0.0),), "regularization": Regularization(weight_decay=0.3)},
    {"groups": (Group("stem.*", frozen=True),)}, {"groups": (Group("stem.*", frozen_epochs=2),)},
    {"groups": (Group("*", 0.5), Group("head.*", 2.0))}, {"average": 0.9},
], ids=str)
def test_a_setting_is_the_reference(setting, dtype):
    whole = spec(Sgd(0.1, momentum=0.9), **setting)
    assert_alike(run(whole, dtype), run_reference(whole), dtype)


@pytest.mark.parametrize("optimizer", [Sgd(0.1, momentum=0.9), Adam(), Lamb()], ids=["sgd", "adam", "lamb"])
def test_old_vectors_are_only_read_and_new_ones_written_whole(optimizer):
    """Trained.step compares the old ones' bits; a number left out would be NaN."""
    everything = spec(optimizer, average=0.9, clipping=Clipping(1.0, 1.0, 1.0), groups=(Group("stem.*", frozen_epochs=2), Group("head.bias", frozen=True)),
                      regularization=Regularization(0.1, 0.1, 0.1, 1.0))
    ours = run(everything)
    assert all(np.isfinite(vector.flat).all() for vector in [ours.p, *ours.state.values()])


@DTYPES
def test_frozen_parameters_never_change_one_bit(dtype):
    """Whatever else would move them: penalties, decay, the bound on their norm, the average."""
    frozen = spec(Adam(0.1), groups=(Group("stem.*", frozen=True),), average=0.99, clipping=Clipping(0.1, 0.1, 0.1),
                  regularization=Regularization(0.3, 0.3, 0.3, 0.5))
    ours = run(frozen, dtype, steps=6)
    start = flat(drawn(0), dtype).named()
    for arrays in (ours.arrays(), ours.arrays(ours.updater.evaluated(ours.p, ours.state))):
        for name in ("stem.weight", "stem.bias"):
            assert arrays[name].tobytes() == start[name].tobytes(), name
        assert not np.array_equal(arrays["head.weight"], start["head.weight"])


def test_a_parameter_thaws_after_its_epochs():
    ours = Trained(spec(groups=(Group("stem.*", frozen_epochs=2),)), drawn(0), np.float64)
    moved = []
    for epoch in range(4):
        before = ours.arrays()["stem.bias"].copy()
        ours.step(Pace(epoch + 1, 1.0, 1, epoch=epoch), drawn(1))
        moved.append(not np.array_equal(before, ours.arrays()["stem.bias"]))
    assert moved == [False, False, True, True]


def test_what_is_frozen_does_not_count_in_the_global_norm():
    """As in PyTorch, where it has no gradient at all."""
    frozen = spec(Sgd(1.0), groups=(Group("stem.*", frozen=True),), clipping=Clipping(global_norm=0.5))
    ours = Trained(frozen, drawn(0), np.float64)
    ours.step(Pace(1, 1.0, 1), drawn(1))
    start = drawn(0)
    moved = np.concatenate([(ours.arrays()[name] - start[name]).ravel() for name in start if name not in STATISTICS])
    assert np.linalg.norm(moved) == pytest.approx(0.5, rel=1e-12)


def test_a_later_group_overrides_an_earlier_one():
    """All but the weight decay, which the last group that gives one decides."""
    groups = (Group("*", 0.0, 0.5), Group("*.bias", 2.0), Group("head.bias", frozen=True))
    ours = run(spec(groups=groups), steps=1)
    start, rate = drawn(0), 0.1
    got = ours.arrays()
    np.testing.assert_array_equal(got["stem.weight"], start["stem.weight"])
    wanted = start["stem.bias"] - 2 * rate * (drawn(1)["stem.bias"] / 4 + 0.5 * start["stem.bias"])
    np.testing.assert_allclose(got["stem.bias"], wanted, rtol=1e-12)
    np.testing.assert_array_equal(got["head.bias"], start["head.bias"])


def test_a_units_incoming_weights_are_bounded_and_small_ones_left_alone():
    ours = run(spec(regularization=Regularization(max_norm=12.0)))
    norms = np.linalg.norm(ours.arrays()["stem.weight"], axis=0)  # about √150 = 12.2 each
    free = run(spec())
    small = np.linalg.norm(free.arrays()["stem.weight"], axis=0) < 12
    assert norms.max() <= 12 * (1 + 1e-12) and 0 < small.sum() < small.size


def test_a_tables_rows_are_its_units():
    """An embedding's words and a transposed layer's units: each row is bounded, not each column."""
    layout = Layout([Owner("words", {"weight": (3, 16)}, by_rows=frozenset(["weight"])), Owner("head", {"weight": (3, 16)})])
    p, new = layout.zeros(np.float64), layout.zeros(np.float64)
    for node in p.nodes:
        node["weight"][...] = [[3.0], [1.0], [0.5]]  # rows of length 12, 4 and 2; columns of length √10.25
    updater = Updater(spec(regularization=Regularization(max_norm=2.0)), layout)
    updater.update(Pace(1, 1.0, 1), np.zeros(layout.size), p.flat, {}, new.flat, {})
    np.testing.assert_allclose(np.linalg.norm(new.nodes[0]["weight"], axis=1), [2, 2, 2], rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(new.nodes[1]["weight"], axis=0), np.full(16, 2.0), rtol=1e-12)
    np.testing.assert_allclose(new.nodes[1]["weight"], p.nodes[1]["weight"] * 2 / np.sqrt(10.25), rtol=1e-12)


@pytest.mark.parametrize(("kind", "input", "attributes", "by_rows"), [
    ("embedding", None, {"vocabulary": 5, "units": 3}, True), ("linear", [4], {"units": 3, "transposed": True}, True),
    ("linear", [4], {"units": 3}, False), ("positional_embedding", [4, 3], {}, True),
])
def test_which_tables_have_units_for_rows(kind, input, attributes, by_rows):
    inputs = {"inputs": {"x": {"shape": [4], "integer": True}}} if input is None else {"input": input}
    layers = [{"kind": kind, "attributes": attributes}]
    model = Model(parse({"model": inputs | {"layers": layers}, "loss": "mse", "optimizer": "sgd"}))
    assert [slot.by_rows for slot in model.layout.slots if slot.name == "weight"] == [by_rows]


@pytest.mark.parametrize("optimizer", [Lars(0.1), Lamb()], ids=["lars", "lamb"])
def test_biases_go_by_the_plain_direction(optimizer):
    """Their norm says little: with weights alike, a bias moves the same whether it is large or small."""
    moved = []
    for size in (1.0, 1000.0):
        arrays = drawn(0) | {"stem.bias": np.full(7, size)}
        ours = Trained(spec(dataclasses.replace(optimizer, **{"weight_decay": 0.0} if isinstance(optimizer, Lamb) else {})), arrays, np.float64)
        ours.step(Pace(1, 1.0, 1), drawn(1))
        moved.append(ours.arrays()["stem.bias"] - size)
    np.testing.assert_allclose(moved[0], moved[1], rtol=1e-9)


def test_the_average_starts_at_the_first_update():
    ours = run(spec(average=0.9), steps=1)
    assert np.array_equal(ours.state[AVERAGE].flat, ours.p.flat)


def test_without_an_average_the_parameters_are_evaluated():
    ours = run(spec())
    assert ours.updater.evaluated(ours.p, ours.state) is ours.p


def test_the_update_does_not_depend_on_the_layout():
    """Blocks begin elsewhere when a parameter stands alone; no bit may change."""
    for clipping in (Clipping(), Clipping(0.5, 0.5)):
        setting = spec(Adam(), clipping=clipping, regularization=Regularization(0.1, 0.1, 0.1))
        together = run(setting, np.float32, steps=1)
        alone = Layout([Owner("stem", {"weight": (150, 240)})])
        p, g, new_p = (alone.zeros() for _ in range(3))
        p.flat[...], g.flat[...] = drawn(0)["stem.weight"].ravel(), drawn(1)["stem.weight"].ravel()
        state, new_state = ({name: np.zeros(alone.size, np.float32) for name in ("m", "v")} for _ in range(2))
        Updater(setting, alone).update(Pace(1, 4.0, 3), g.flat, p.flat, state, new_p.flat, new_state)
        assert new_p.flat.tobytes() == together.arrays()["stem.weight"].tobytes()


# PyTorch as a witness

@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")
    torch.set_num_threads(1)  # arrays are small: waking a second thread takes longer than the work
    return torch


def clipped_by_us(clipping, dtype):
    """With a learning rate of 1, from p = 0: what was taken away is the clipped gradient."""
    ours = Trained(spec(Sgd(1.0), clipping=clipping), {name: 0 * array for name, array in drawn(0).items()}, dtype)
    ours.step(Pace(1, 1.0, 1), drawn(1))
    return {name: -array for name, array in ours.arrays().items() if name not in STATISTICS}


@DTYPES
@pytest.mark.parametrize("limit", [0.01, 1.0, 50.0, 1000.0])
@pytest.mark.parametrize("kind", ["value", "norm", "global_norm"])
def test_clipping_is_pytorchs(torch, kind, limit, dtype):
    """PyTorch adds 1e-6 to a norm before it divides by it: that is how close the two can be."""
    ours = clipped_by_us(Clipping(**{kind: limit}), dtype)
    theirs = {name: torch.nn.Parameter(torch.zeros(array.shape, dtype=torch.float64)) for name, array in ours.items()}
    for name, parameter in theirs.items():
        parameter.grad = torch.tensor(drawn(1)[name])
    if kind == "value":
        torch.nn.utils.clip_grad_value_(theirs.values(), limit)
    elif kind == "global_norm":
        torch.nn.utils.clip_grad_norm_(theirs.values(), limit)
    else:
        for parameter in theirs.values():
            torch.nn.utils.clip_grad_norm_([parameter], limit)
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name].grad.numpy(), rtol=2e-6, atol=1e-12)


@dataclass
class ByTorch:
    """Fifty steps of PyTorch with groups, a frozen stem, clipping, and an exponential moving average."""

    torch: object
    decay: float

    def train(self, steps):
        torch = self.torch
        p = torch.nn.ParameterDict({name.replace(".", "_"): torch.nn.Parameter(torch.tensor(array))
                                    for name, array in drawn(0).items() if name not in STATISTICS})
        p["stem_weight"].requires_grad = False
        rates = {"stem_bias": 0.01, "norm_scale": 0.1, "head_weight": 0.1, "head_bias": 0.2}
        optimizer = torch.optim.SGD([{"params": [p[name]], "lr": rate, "weight_decay": 0.0 if name.endswith("bias") else 0.05}
                                     for name, rate in rates.items()], momentum=0.9)
        average = torch.optim.swa_utils.AveragedModel(p, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(self.decay))
        for step in range(1, steps + 1):
            for name, array in drawn(step).items():
                if name.replace(".", "_") in rates:
                    p[name.replace(".", "_")].grad = torch.tensor(array) / 8
            torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
            optimizer.step()
            average.update_parameters(p)
        return p, average.module


@DTYPES
def test_fifty_steps_with_groups_clipping_and_an_average_are_pytorchs(torch, dtype):
    theirs, their_average = ByTorch(torch, 0.95).train(50)
    ours = Trained(spec(Sgd(0.1, momentum=0.9), clipping=Clipping(global_norm=1.0), average=0.95,
                        regularization=Regularization(l2=0.05, exclude=("*.bias",)),
                        groups=(Group("stem.weight", frozen=True), Group("stem.bias", 0.1), Group("head.bias", 2.0))), drawn(0), dtype)
    for step in range(1, 51):
        ours.step(Pace(step, 8.0, 8), drawn(step))
    for vector, wanted in ((ours.p, theirs), (ours.state[AVERAGE], their_average)):
        for name, array in ours.arrays(vector).items():
            if name not in STATISTICS:
                np.testing.assert_allclose(array, wanted[name.replace(".", "_")].detach().numpy(), rtol=1e-5, atol=1e-5, err_msg=name)


# Running statistics

@dataclass(frozen=True)
class Centred(Layer):
    """y = x − its mean so far: the smallest layer that has a running statistic."""

    def output_shape(self, x):
        return x

    def parameters(self, x):
        return {"mean": Parameter(x, Zeros(), momentum=0.25)}

    def forward(self, w):
        np.subtract(w.x, w.p["mean"], out=w.y)

    def backward(self, w):
        np.sum(w.x, axis=0, out=w.g["mean"])  # the shard's mean times the shard's size


def centred_model(dtype):
    graph = Graph((Input("x", (3,), False, "x"),), (Node("norm", Centred(), (0,), (3,), Centred().parameters((3,))),))
    return Model(Spec(graph, (Head("", Mse(), 0, "y", "", 1.0, {}),), Sgd(0.1), clipping=Clipping(0.1, 0.1, 0.1),
                      regularization=Regularization(0.1, 0.1, 0.1, 0.1)), dtype)


@DTYPES
@pytest.mark.parametrize("cuts", [[0, 16], [0, 8, 16], [0, 1, 3, 16], [0, 15, 16], list(range(17))], ids=str)
def test_a_statistic_moves_to_the_mean_of_the_batch_whatever_the_shards(cuts, dtype):
    """Small integers and a batch of 2⁴, so that no step rounds: the same bits, by hand and for every split.
    Neither clipping nor penalties touch a statistic."""
    m, x = centred_model(dtype), np.random.default_rng(0).integers(-8, 8, (16, 3)).astype(dtype)
    p, total = m.initialize(0), m.layout.zeros(dtype)
    p.nodes[0]["mean"][...] = start = [1, -2, 4]
    for shard, (a, b) in enumerate(zip(cuts, cuts[1:])):
        part = m.layout.zeros(dtype)
        m.gradient(p, {"x": x[a:b], "y": x[a:b]}, part, Key(0, 0, shard))
        total.flat += part.flat
    new = m.layout.zeros(dtype)
    Updater(m.spec, m.layout).update(Pace(1, 16 * 3, 16), total.flat, p.flat, {}, new.flat, {})
    wanted = 0.75 * np.array(start) + 0.25 * x.mean(axis=0)
    assert new.nodes[0]["mean"].tolist() == wanted.tolist()


@pytest.mark.parametrize("momentum", [0.1, 0.01])
def test_a_statistics_momentum_has_all_the_digits_of_float64(momentum):
    layout = Layout([Owner("norm", {"mean": (1,)}, {"mean": momentum})])
    p, g, new = (layout.zeros(np.float64) for _ in range(3))
    g.flat[0] = 3.0
    Updater(spec(), layout).update(Pace(1, 1.0, 1), g.flat, p.flat, {}, new.flat, {})
    assert new.flat[0] == pytest.approx(momentum * 3, rel=1e-15)


# What is refused

JOB = {"model": {"input": [4], "layers": [{"kind": "linear", "name": "only", "attributes": {"units": 2}}]}, "loss": {"kind": "mse"},
       "optimizer": {"kind": "sgd"}}


@pytest.mark.parametrize(("settings", "text"), [
    ({"groups": [{"match": "*.bias"}, {"match": "stem.*"}]},
     'groups[1].match: expected a pattern that some parameter\'s name matches, got "stem.*"; the names: only.weight, only.bias'),
    ({"groups": [{"match": ""}]}, 'groups[0].match: expected a pattern of parameter names, such as *.bias, got ""'),
    ({"groups": [{"frozen": True}]}, "groups[0].match: expected a pattern of parameter names, such as *.bias, but it is missing"),
    ({"groups": [{"match": "*", "learning_rate_scale": -1}]}, "groups[0].learning_rate_scale: expected a number ≥ 0, got -1"),
    ({"groups": [{"match": "*", "weight_decay": True}]}, "groups[0].weight_decay: expected a number ≥ 0, got true"),
    ({"groups": [{"match": "*", "freeze": True}]},
     'groups[0].freeze: unknown attribute "freeze"; did you mean frozen? known: frozen, frozen_epochs, learning_rate_scale, match, weight_decay'),
    ({"clipping": {"norm": -1}}, "clipping.norm: expected a number ≥ 0, got -1"),
    ({"regularization": {"max_norm": "big"}}, 'regularization.max_norm: expected a number ≥ 0, got "big"'),
    ({"regularization": {"exclude": "*.bias"}}, 'regularization.exclude: expected a list of names, got "*.bias"'),
    ({"weight_average": 1}, "weight_average: expected a number ≥ 0 and < 1, got 1"),
], ids=str)
def test_a_setting_that_does_not_fit_is_refused(settings, text):
    with pytest.raises(InvalidInput, match=f"^{re.escape(text)}$"):
        parse(JOB | settings)


def test_every_problem_is_said_at_once():
    with pytest.raises(InvalidInput) as caught:
        parse(JOB | {"groups": [{"match": "a*"}, {"match": "*", "frozen": 1}], "clipping": {"value": -1}, "weight_average": -0.5})
    assert [problem.field for problem in caught.value.problems] == ["clipping.value", "groups[1].frozen", "weight_average", "groups[0].match"]
