"""Running statistics: moved to the mean of the batch, whatever the shards."""

from dataclasses import dataclass

import numpy as np
import pytest

from bpcore import Model
from bpcore.arena import Layout, Owner
from bpcore.graph import Graph, Input, Node
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Layer, Parameter
from bpcore.losses.mse import Mse
from bpcore.model import Key
from bpcore.optimization.regularization import Clipping, Regularization
from bpcore.optimization.update import Pace, Updater
from bpcore.optimizers.sgd import Sgd
from bpcore.spec import Head, Spec
from tests.bpcore.updates import DTYPES, spec


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
