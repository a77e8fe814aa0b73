"""The replica: until the commit the current buffer is whole, and one word says which that is."""

import numpy as np
import pytest

from bpcore.arena import Layout, Owner
from bpcore.optimization.update import Pace, Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.spec import Spec
from worker.node.ledger import EVAL, TRAIN
from worker.node.memory import PAGE_BYTES, Segment
from worker.node.replica import HEAD_BYTES, Replica, size_bytes

OPTIMIZER_CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in OPTIMIZERS.types.items() for i, case in enumerate(kind.cases())]
SMALL = Layout([Owner("a", {"weight": (3, 5), "bias": (5,)})])


WIDTH = 3  # of a row of the curve


class Updated(Replica):
    """A replica of `SMALL` under the optimizer; `update` writes all of the next buffer."""

    def __init__(self, optimizer, segment=None):
        self.updater = Updater(Spec(None, (), optimizer), SMALL)
        super().__init__(SMALL, self.updater, segment or Segment.new(size_bytes(SMALL, self.updater, WIDTH)), WIDTH)

    def update(self, pace, total):
        old, new = self.current, self.next
        assert self.updater.update(pace, total.flat, old.parameters.flat, old.flat_state, new.parameters.flat, new.flat_state)


def replica_of(optimizer):
    replica = Updated(optimizer)
    replica.set(0)
    return replica


def filled(replica, seed=0):
    """A replica whose current buffer holds random numbers, as after some training."""
    draw = np.random.default_rng(seed)
    for vector in replica.current.vectors().values():
        vector.flat[...] = np.abs(draw.normal(size=vector.flat.size))
    return replica


def gradient(layout, seed=9):
    vector = layout.zeros()
    vector.flat[...] = np.random.default_rng(seed).normal(size=layout.size)
    return vector


def bits(buffer):
    return {name: vector.flat.tobytes() for name, vector in buffer.vectors().items()}


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_an_update_leaves_the_current_buffer_alone(optimizer):
    """Also after a commit: the two buffers change places."""
    replica = filled(replica_of(optimizer))
    for step in range(3):
        before, current = bits(replica.current), replica.current
        replica.update(Pace(step + 1, 1, 1), gradient(SMALL))
        assert replica.current is current and bits(current) == before
        replica.commit()


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_a_commit_makes_the_update_current(optimizer):
    replica = filled(replica_of(optimizer))
    old = bits(replica.current)
    replica.update(Pace(1, 1, 1), gradient(SMALL))
    replica.commit()
    assert all(bits(replica.current)[name] != old[name] for name in old)


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_an_update_cut_short_can_be_done_again(optimizer):
    """A step that was not committed leaves the same bits to begin with, and its rest is overwritten."""
    once, again = (filled(replica_of(optimizer)) for _ in range(2))
    again.update(Pace(1, 1, 1), gradient(SMALL, seed=1))  # never committed
    for replica in (once, again):
        replica.update(Pace(1, 1, 1), gradient(SMALL))
        replica.commit()
    assert bits(once.current) == bits(again.current)


def test_the_first_step_by_hand():
    """sgd: p − 0.1 · (gradient sum / count), with p = 1, sum = 6, count = 3."""
    replica = replica_of(OPTIMIZERS.build({"sgd": {"learning_rate": 0.1}}))
    replica.current.parameters.flat[...] = 1
    total = SMALL.zeros()
    total.flat[...] = 6
    replica.update(Pace(1, 3, 3), total)
    replica.commit()
    assert replica.current.parameters.flat == pytest.approx(0.8)


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_the_gaps_between_parameters_stay_zero(optimizer):
    replica = replica_of(optimizer)
    for step in range(3):
        total = SMALL.zeros()
        for view in total.named().values():
            view[...] = 1
        replica.update(Pace(step + 1, 2, 2), total)
        replica.commit()
    for vector in replica.current.vectors().values():  # 15 numbers, a gap, 5 numbers, a gap
        assert np.flatnonzero(vector.flat).tolist() == [*range(15), *range(16, 21)]


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_a_buffer_names_everything_that_a_checkpoint_holds(optimizer):
    assert list(replica_of(optimizer).current.vectors()) == ["parameters", *optimizer.state]


# One segment, several ranks.

SGD = OPTIMIZERS.build({"sgd": {"learning_rate": 0.1, "momentum": 0.9}})


@pytest.fixture
def mates():
    """Two ranks' replicas in one segment."""
    segment = Segment.new(1 << 22)
    return Updated(SGD, segment), Updated(SGD, segment)


def test_a_new_segment_holds_no_step(mates):
    assert [replica.steps for replica in mates] == [-1, -1]


def test_what_one_rank_writes_its_mates_read(mates):
    writer, reader = mates
    filled(writer).ledger.write(TRAIN, 5, 1.5, np.arange(float(WIDTH)))
    assert bits(reader.current) == bits(writer.current)
    assert [(row.kind, row.step, row.time, row.values.tolist()) for row in reader.ledger.read(9)] == [(TRAIN, 5, 1.5, [0, 1, 2])]


def test_one_word_commits(mates):
    """Everything of a step but the word may be written: another rank, or a later run, sees the step before."""
    writer, reader = mates
    filled(writer).set(7)
    before = bits(writer.current)
    writer.update(Pace(8, 1, 1), gradient(SMALL))
    reader.read()
    assert (reader.steps, bits(reader.current)) == (7, before)
    writer.commit()
    reader.read()
    assert (reader.steps, bits(reader.current)) == (8, bits(writer.current))
    assert bits(reader.next) == before


def test_mates_that_commit_together_say_the_same(mates):
    for step in range(3):
        for replica in mates:
            replica.set(step) if step == 0 else replica.commit()
    assert [replica.steps for replica in mates] == [2, 2]
    assert mates[0].current.parameters.flat.ctypes.data - mates[0].next.parameters.flat.ctypes.data == \
        mates[1].current.parameters.flat.ctypes.data - mates[1].next.parameters.flat.ctypes.data
    mates[0].read()
    assert mates[0].steps == 2


def test_a_buffer_declared_empty_is_empty_for_all(mates):
    writer, reader = mates
    writer.set(7), writer.set(-1), reader.read()
    assert reader.steps == -1


def test_a_segment_has_room_for_all_and_its_parts_do_not_touch():
    """Head, ledger, and two buffers of parameters and momentum: written full, each keeps what is its own."""
    updater = Updater(Spec(None, (), SGD), SMALL)
    segment = Segment.new(size_bytes(SMALL, updater, WIDTH))
    replica = Updated(SGD, segment)
    head = segment.array(40, HEAD_BYTES - 40, np.uint8)  # behind the word and the tallies
    head[...] = 0xAB
    for step in range(20_000):  # more than the ledger holds
        replica.ledger.write(EVAL, step, 0.0, np.full(WIDTH, float(step)))
    vectors = [vector for buffer in (replica.current, replica.next) for vector in buffer.vectors().values()]
    for number, vector in enumerate(vectors):
        vector.flat[...] = number
    replica.set(3)
    assert (head == 0xAB).all() and replica.steps == 3
    assert [set(vector.flat) for vector in vectors] == [{0}, {1}, {2}, {3}]
    assert {float(row.values[0]) - row.step for row in replica.ledger.read(20_000)} == {0}
    assert all(vector.flat.ctypes.data % 64 == 0 for vector in vectors)
    assert size_bytes(SMALL, updater, WIDTH) - (vectors[-1].flat.ctypes.data - vectors[0].flat.ctypes.data) > PAGE_BYTES


def test_averaged_parameters_are_the_ones_evaluated():
    updater = Updater(Spec(None, (), SGD, average=0.9), SMALL)
    replica = Replica(SMALL, updater, Segment.new(size_bytes(SMALL, updater, WIDTH)), WIDTH)
    assert replica.evaluated is replica.current.parameters  # nothing averaged yet
    replica.current.state["average"].flat[...] = 2
    assert replica.evaluated is replica.current.state["average"]
