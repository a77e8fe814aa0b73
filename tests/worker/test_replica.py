"""The replica: until the commit the current buffer is whole."""

import numpy as np
import pytest

from bpcore.arena import Layout, Owner
from bpcore.optimizers import OPTIMIZERS
from bpcore.spec import Spec
from bpcore.update import Pace, Updater
from worker.replica import Replica

OPTIMIZER_CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in OPTIMIZERS.types.items() for i, case in enumerate(kind.cases())]
SMALL = Layout([Owner("a", {"weight": (3, 5), "bias": (5,)})])


def replica_of(optimizer):
    return Replica(SMALL, Updater(Spec(None, (), optimizer), SMALL))


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
