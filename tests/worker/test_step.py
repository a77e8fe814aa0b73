"""One step: what decides its bits, what its vote carries, and when nothing is committed."""

import numpy as np
import pytest

from bpcore.model import Model
from bpcore.plan import Key
from bpcore.update import Pace, Updater
from worker.comm.alone import Alone
from worker.exchange.exact import Exact
from worker.exchange.tree import reduce
from worker.replica import Replica
from worker.shards import cut
from worker.step import Stepper, Voter


def never():
    return False, False


@pytest.fixture
def stepper(checked):
    """`stepper(seed=1, …)`: a world of one, about to train the tiny job with some keys replaced."""

    def make(**replaced):
        job = checked(**replaced)
        model, shards = Model(job.maths), job.spec.logical_shards
        replica = Replica(model.layout, Updater(job.maths, model.layout))
        replica.current.parameters.flat[...] = model.initialize(job.spec.seed).flat
        exchange = Exact(Alone(), model.layout, shards, [range(shards)])
        return Stepper(model, replica, exchange, Voter(Alone(), shards, model.row_width), job.train, job.schedule, shards, range(shards))

    return make


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
    by_hand, total = Replica(s.model.layout, Updater(s.model.spec, s.model.layout)), s.model.layout.zeros()
    by_hand.current.parameters.flat[...] = start.flat
    total.flat[...] = reduce((0, shards), gradients, np.add)
    by_hand.update(Pace(8, 12, 12, epoch=1), total)
    by_hand.commit()
    vote = s.run(7, 1.0, never)
    assert parameters(s) == by_hand.current.parameters.flat.tobytes()
    assert vote.row.tolist() == reduce((0, shards), rows, np.add).tolist()


def test_the_vote_counts_every_sample_of_the_batch(stepper):
    s = stepper()
    assert [s.run(step, 1.0, never).row[1] for step in range(5)] == [12, 12, 12, 12, 2]


def test_a_step_depends_on_its_number_not_on_the_steps_before(stepper):
    """What makes resuming possible."""
    through, jump = stepper(), stepper()
    for step in range(7):
        through.run(step, 1.0, never)
    for name, vector in jump.replica.current.vectors().items():
        vector.flat[...] = through.replica.current.vectors()[name].flat
    assert through.run(7, 1.0, never).row.tolist() == jump.run(7, 1.0, never).row.tolist()
    assert parameters(through) == parameters(jump)


def test_a_shard_without_samples_adds_nothing(stepper):
    """The last batch holds 2 samples for 6 shards; buffers still hold the gradients of the steps before."""
    s, fresh = stepper(logical_shards=6), stepper(logical_shards=6)
    for step in range(4):
        s.run(step, 1.0, never)
    for name, vector in fresh.replica.current.vectors().items():
        vector.flat[...] = s.replica.current.vectors()[name].flat
    s.run(4, 1.0, never), fresh.run(4, 1.0, never)
    assert parameters(s) == parameters(fresh)


def test_nothing_is_committed_when_the_loss_is_not_finite(stepper):
    s = stepper()
    s.replica.current.parameters.flat[0] = np.nan
    before, state = parameters(s), [vector.flat.copy() for vector in s.replica.current.state.values()]
    vote = s.run(0, 1.0, never)
    assert not np.isfinite(vote.row[0])
    assert parameters(s) == before
    assert all((vector.flat == old).all() for vector, old in zip(s.replica.current.state.values(), state))


@pytest.mark.parametrize(("stop", "checkpoint"), [(False, False), (True, False), (False, True), (True, True)])
def test_flags_ride_in_the_vote(stepper, stop, checkpoint):
    vote = stepper().run(0, 1.0, lambda: (stop, checkpoint))
    assert (vote.stop, vote.checkpoint) == (stop, checkpoint)


def test_rows_are_added_in_the_tree():
    """((0+1)+(2+3))+4 is 1 in double precision; from left to right it would be 2."""
    rows = {shard: np.array([value]) for shard, value in enumerate([1.0, 1e16, -1e16, 1.0, 1.0])}
    assert Voter(Alone(), 5, 1).vote(rows).row.tolist() == [1.0]


def test_a_vote_without_rows_is_of_zeros():
    vote = Voter(Alone(), 3, 4).vote({})
    assert (vote.row.tolist(), vote.stop, vote.checkpoint) == ([0, 0, 0, 0], False, False)
