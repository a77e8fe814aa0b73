"""One step: what decides its bits, what its vote carries, and when nothing is committed."""

import time

import numpy as np
import pytest

from bpcore.model import Model
from bpcore.optimization.update import Pace, Updater
from bpcore.plan import Key
from worker import advance
from worker.comm.alone import Alone
from worker.crew import Crew
from worker.data.reading import Input
from worker.exchange.exact import Exact
from worker.node.ledger import TRAIN
from worker.node.memory import Segment
from worker.node.replica import Replica, size_bytes
from worker.reduction.tree import reduce
from worker.shards import cut
from worker.step import Stepper
from worker.vote import Flags


def replica_of(model, updater):
    """Fresh memory, of no step done."""
    replica = Replica(model.layout, updater, Segment.new(size_bytes(model.layout, updater, model.row_width)), model.row_width)
    replica.set(0)
    return replica


@pytest.fixture
def stepper(checked):
    """`stepper(seed=1, …)`: a world of one, about to train the tiny job with some keys replaced."""

    def make(comm=Alone, **replaced):
        job = checked(**replaced)
        model, shards = Model(job.maths), job.spec.logical_shards
        updater = Updater(job.maths, model.layout)
        replica = replica_of(model, updater)
        replica.current.parameters.flat[...] = model.initialize(job.spec.seed).flat
        made = Stepper(Crew.meet(comm()), model, updater, replica, Exact(), Input(job.train), job.schedule, shards)
        made.assign([range(shards)])
        return made

    return make


class Patient(Alone):
    """Whose votes wait for others."""

    WAIT_S = 0.5

    def sum(self, array):
        time.sleep(self.WAIT_S)


def parameters(stepper):
    return stepper.replica.current.parameters.flat.tobytes()


@pytest.mark.parametrize("shards", [1, 4, 5])
def test_a_step_is_the_optimizer_on_the_trees_sum_of_the_shards(stepper, shards):
    """Step 7 is the third of the second epoch; put together by hand from the model, the cut, the tree and the optimizer."""
    s = stepper(logical_shards=shards)
    order, start = s.schedule.order(1), s.replica.current.parameters
    gradients, rows = {}, {}
    for shard, part in enumerate(cut(slice(24, 36), shards)):
        vector = s.model.layout.zeros()
        rows[shard, shard + 1] = Model(s.model.spec).gradient(start, s.data.read(order[part]), vector, Key(3, 7, shard))
        gradients[shard, shard + 1] = vector.flat
    by_hand, total = replica_of(s.model, s.updater), reduce((0, shards), gradients, np.add)
    s.updater.update(Pace(8, 12, 12, epoch=1), total, start.flat, by_hand.current.flat_state, by_hand.next.parameters.flat,
                     by_hand.next.flat_state)
    vote = s.run(7, 1.0, Flags)
    assert parameters(s) == by_hand.next.parameters.flat.tobytes()
    assert vote.row.tolist() == reduce((0, shards), rows, np.add).tolist()


def test_the_vote_counts_every_sample_of_the_batch(stepper):
    s = stepper()
    assert [s.run(step, 1.0, Flags).row[1] for step in range(5)] == [12, 12, 12, 12, 2]


def test_a_step_depends_on_its_number_not_on_the_steps_before(stepper):
    """What makes resuming possible."""
    through, jump = stepper(), stepper()
    for step in range(7):
        through.run(step, 1.0, Flags)
    for name, vector in jump.replica.current.vectors().items():
        vector.flat[...] = through.replica.current.vectors()[name].flat
    assert through.run(7, 1.0, Flags).row.tolist() == jump.run(7, 1.0, Flags).row.tolist()
    assert parameters(through) == parameters(jump)


def test_a_shard_without_samples_adds_nothing(stepper):
    """The last batch holds 2 samples for 6 shards; buffers still hold the gradients of the steps before."""
    s, fresh = stepper(logical_shards=6), stepper(logical_shards=6)
    for step in range(4):
        s.run(step, 1.0, Flags)
    for name, vector in fresh.replica.current.vectors().items():
        vector.flat[...] = s.replica.current.vectors()[name].flat
    s.run(4, 1.0, Flags), fresh.run(4, 1.0, Flags)
    assert parameters(s) == parameters(fresh)


def test_nothing_is_committed_when_the_loss_is_not_finite(stepper):
    s = stepper()
    s.replica.current.parameters.flat[0] = np.nan
    before, state = parameters(s), [vector.flat.copy() for vector in s.replica.current.state.values()]
    vote = s.run(0, 1.0, Flags)
    assert not np.isfinite(vote.row[0])
    assert parameters(s) == before
    assert all((vector.flat == old).all() for vector, old in zip(s.replica.current.state.values(), state))


def test_a_gradient_that_is_not_finite_commits_nothing_though_the_loss_is(stepper):
    """It is found in the update, and told behind the last barrier."""
    s = stepper()
    add = s.exchange.add

    def spoiled(shard):
        s.exchange.buffer(shard).flat[0] = np.inf
        add(shard)

    s.exchange.add = spoiled
    before = parameters(s)
    with np.errstate(all="ignore"):  # as in rank.main
        vote = s.run(0, 1.0, Flags)
    assert np.isfinite(vote.row).all() and not vote.committed
    assert (parameters(s), s.replica.steps) == (before, 0)


def test_each_step_stands_in_the_ledger_before_its_commit(stepper):
    s = stepper()
    votes = [s.run(step, 1.0, Flags) for step in range(3)]
    assert s.replica.steps == 3
    rows = s.replica.ledger.read(3)
    assert [(row.kind, row.step, row.values.tolist()) for row in rows] == [(TRAIN, step, vote.row.tolist()) for step, vote in enumerate(votes)]


def test_a_step_cut_short_is_computed_again_with_the_same_bits(stepper):
    """Death in the middle of the update: the next buffer is half written, nothing is committed."""
    s, undisturbed = stepper(), stepper()
    for each in (s, undisturbed):
        each.run(0, 1.0, Flags)

    def die(*_):
        raise KeyboardInterrupt

    s.replica.commit, commit = die, s.replica.commit
    with pytest.raises(KeyboardInterrupt):
        s.run(1, 1.0, Flags)
    s.replica.commit = commit
    s.replica.next.parameters.flat[::2] = np.nan
    assert s.run(1, 1.0, Flags).row.tolist() == undisturbed.run(1, 1.0, Flags).row.tolist()
    assert parameters(s) == parameters(undisturbed)


CLIPPED = {"optimizer": {"sgd": {"learning_rate": 0.1}}, "clipping": {"norm": 0.1, "global_norm": 0.05}}


def test_a_vector_updated_in_chunks_has_the_same_bits(stepper, monkeypatch):
    """Also where clipping must know of the whole gradient first."""
    for replaced in ({}, CLIPPED):
        digests = set()
        for chunk in (1 << 16, 16):
            monkeypatch.setattr(advance, "CHUNK", chunk)
            s = stepper(**replaced)
            for number in range(5):
                s.run(number, 1.0, Flags)
            digests.add(parameters(s))
        assert len(digests) == 1, replaced


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("chunk", [1, 10, 1000])
def test_chunks_are_every_number_once_and_cut_at_borders(monkeypatch, count, chunk):
    monkeypatch.setattr(advance, "CHUNK", chunk)
    borders = np.array([0, 3, 7, 20, 21, 22, 60, 100])
    parts = [part for place in range(count) for part in advance.chunks(borders, place, count)]
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(100))
    assert all(part.start in borders and part.stop in borders and part.start < part.stop for part in parts)


@pytest.mark.parametrize("flags", [Flags(), Flags(True, True, True, True), *[Flags(**{name: True}) for name in Flags._fields]], ids=str)
def test_flags_ride_in_the_vote(stepper, flags):
    assert stepper().run(0, 1.0, lambda: flags).flags == flags


def test_seconds_ride_in_the_vote(stepper):
    (seconds,) = stepper().run(0, 1.0, Flags).seconds
    assert 0 < seconds < 60


def test_a_ranks_own_time_is_without_what_it_waits_for_others_within_a_step(stepper):
    """For the sums over the whole batch that a synchronised layer asks for before its forward and its backward pass."""
    layers = [{"linear": {"units": 4}}, {"batch_norm": {"sync": True}}, {"linear": {"units": 3}}]
    s = stepper(Patient, model={"input": [4], "layers": layers})
    s.run(0, 1.0, Flags)  # kernels are compiled
    assert s.run(1, 1.0, Flags).seconds[0] < 2 * Patient.WAIT_S
