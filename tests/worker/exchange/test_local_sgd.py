"""local_sgd: put together by hand from plain steps; the rest of the machinery is exact's."""

import numpy as np
import pytest

from bpcore.arena import Vector
from bpcore.model import Model
from bpcore.optimization.update import Pace, Updater
from bpcore.plan import Key
from worker.comm.alone import Alone
from worker.crew import Crew
from worker.data.reading import Input
from worker.exchange import REDUCTIONS
from worker.node.memory import Segment
from worker.node.replica import Replica, size_bytes
from worker.shards import assign, cut
from worker.step import Stepper
from worker.vote import Flags

RATE, PLAIN = 0.125, {"sgd": {"learning_rate": 0.5}}


@pytest.fixture
def job(checked):
    """`job(every=4, …)`: the tiny job, without randomness in its layers, with this reduction and some keys replaced."""

    def make(every: int = 4, **replaced):
        layers = [{"linear": {"units": 8}}, "tanh", {"linear": {"units": 3}}]
        kept = {"model": {"input": [4], "layers": layers}, "logical_shards": 1, "optimizer": PLAIN} | replaced
        return checked(reduction={"local_sgd": {"every": every, "learning_rate": RATE}}, **kept)

    return make


@pytest.fixture
def stepped():
    """The parameters after the job's first step, in a world of one."""
    def run(job):
        model, shards = Model(job.maths), job.spec.logical_shards
        updater = Updater(job.maths, model.layout)
        replica = Replica(model.layout, updater, Segment.new(size_bytes(model.layout, updater, model.row_width)), model.row_width)
        replica.set(0)
        replica.current.parameters.flat[...] = model.initialize(job.spec.seed).flat
        stepper = Stepper(Crew.meet(Alone()), model, updater, replica, job.reduction, Input(job.train), job.schedule, shards)
        stepper.assign(assign(shards, 1))
        assert stepper.run(0, 1.0, Flags).committed
        return replica.current.parameters

    return run


def way(job, parameters, samples, pace=Pace(1, 0, 12)):
    """What the job's reduction makes of these samples as one shard: (gradient, row)."""
    model = Model(job.maths)
    exchange = job.reduction.open(Crew.meet(Alone()), model.layout, 1, False)
    out = model.layout.zeros()
    row = exchange.gradient(model, parameters, job.train.read(samples), out, Key(1, 2, 3), np.ones(1), pace)
    return out, row


def descended(job, parameters, samples, rate=RATE):
    """The parameters after one step of plain descent on these samples."""
    model, out = Model(job.maths), Model(job.maths).layout.zeros()
    row = model.gradient(parameters, job.train.read(samples), out, Key(1, 2, 3))
    return Vector(model.layout, parameters.flat - np.float32(rate) * (out.flat / np.float32(row[1])))


def test_the_gradient_is_the_way_that_plain_steps_go(job):
    """Four parts of three samples: p₄ = p₀ − η Σ gₕ / 3, so the gradient is 3 (p₀ − p₄) / η."""
    made = job()
    end = start = Model(made.maths).initialize(1)
    for part in cut(slice(0, 12), 4):
        end = descended(made, end, np.arange(part.start, part.stop))
    gradient, _ = way(made, start, np.arange(12))
    assert np.allclose(gradient.flat, 3 * (start.flat - end.flat) / RATE, atol=1e-5)
    at_once = way(job(every=1), start, np.arange(12))[0]
    assert not np.allclose(gradient.flat, at_once.flat, atol=1e-3)


def test_with_plain_descent_a_step_is_the_average_of_the_shards_own_parameters(job, stepped):
    """Two shards of six samples go three steps each; the optimizer's rate is three times theirs."""
    made = job(every=3, logical_shards=2, optimizer={"sgd": {"learning_rate": 3 * RATE}})
    start, order = Model(made.maths).initialize(made.spec.seed), made.schedule.order(0)
    ends = []
    for shard in cut(slice(0, 12), 2):
        end = start
        for part in cut(shard, 3):
            end = descended(made, end, order[part])
        ends.append(end.flat)
    assert np.allclose(stepped(made).flat, np.mean(ends, axis=0), atol=1e-6)


def test_one_part_is_the_plain_gradient(job):
    made = job(every=1)
    start, model = Model(made.maths).initialize(1), Model(made.maths)
    plain = model.layout.zeros()
    row = model.gradient(start, made.train.read(np.arange(12)), plain, Key(1, 2, 3))
    gradient, rows = way(made, start, np.arange(12))
    assert gradient.flat.tobytes() == plain.flat.tobytes() and rows.tolist() == row.tolist()


def test_more_parts_than_samples_are_as_many_as_there_are(job):
    start = Model(job().maths).initialize(1)
    one, other = (way(job(every=every), start, np.arange(3)) for every in (3, 7))
    assert one[0].flat.tobytes() == other[0].flat.tobytes()
    assert one[1][1] == 3


def test_the_way_follows_the_schedule(job):
    """At a factor of zero it goes nowhere: the plain gradient, in parts."""
    start = Model(job().maths).initialize(1)
    still = way(job(), start, np.arange(12), Pace(1, 0, 12, factor=0.0))[0]
    assert np.allclose(still.flat, way(job(every=1), start, np.arange(12))[0].flat, atol=1e-5)


def test_frozen_parameters_stay_on_the_way(job):
    """With all of them frozen it goes nowhere."""
    start = Model(job().maths).initialize(1)
    still = way(job(groups=[{"match": "*", "frozen": True}]), start, np.arange(12))[0]
    assert np.allclose(still.flat, way(job(every=1), start, np.arange(12))[0].flat, atol=1e-5)


def test_each_part_has_random_numbers_of_its_own(job):
    """The same sample four times, through dropout: four parts that differ."""
    layers = [{"dropout": {"rate": 0.5}}, {"linear": {"units": 3}}]
    made = job(model={"input": [4], "layers": layers})
    start, model = Model(made.maths).initialize(1), Model(made.maths)
    masks = []
    exchange = made.reduction.open(Crew.meet(Alone()), model.layout, 1, False)
    gradient = model.gradient
    model.gradient = lambda p, batch, out, key, counts: masks.append(key) or gradient(p, batch, out, key, counts)
    exchange.gradient(model, start, made.train.read(np.zeros(4, int)), model.layout.zeros(), Key(1, 2, 3), np.ones(1), Pace(1, 0, 4))
    assert len(set(masks)) == 4 and {(key.seed, key.step) for key in masks} == {(1, 2)}


def test_layers_that_look_at_the_whole_batch_are_refused(refused, checked):
    layers = [{"linear": {"units": 8}}, {"batch_norm": {"sync": True}}, {"linear": {"units": 3}}]
    problem, = refused(lambda: checked(model={"input": [4], "layers": layers}, reduction="local_sgd"))
    assert problem.startswith("model.layers[1]: expected layers that look at one shard by itself")


def test_a_diagnosis_is_refused(refused, checked):
    assert refused(lambda: checked(diagnose_every=5, reduction="local_sgd")) == ["diagnose_every: expected 0 with the reduction local_sgd, got 5"]


def test_it_keeps_the_bits():
    assert REDUCTIONS.get("local_sgd").same_bits and not REDUCTIONS.get("fast").same_bits
