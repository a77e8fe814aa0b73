"""A rollout is a pure function of (parameters, seed, epoch, shard), and a shard's batches come of its own alone."""

from collections import Counter

import numpy as np
import pytest

from bpcore.model import Model
from worker.environments.tic_tac_toe import FORBIDDEN
from worker.shards import cut
from worker.tally import Epoch, added, expected


@pytest.fixture
def play(checked_playing):
    """`play(epoch=0, shard=0, seed=3)`: a shard's samples."""

    def samples(epoch=0, shard=0, seed=3, parameters=1, environment=None):
        job = checked_playing(environment, seed=seed)
        model = Model(job.maths)
        data = job.samples(model, lambda: model.initialize(parameters)).of_epoch(epoch)
        return data.read(np.arange(60) + shard * 120)

    return samples


def test_a_rollout_depends_on_parameters_seed_epoch_and_shard_and_nothing_else(play):
    def same(one, other):
        return all(np.array_equal(one[name], other[name]) for name in one)

    once = play()
    assert same(once, play())
    assert not any(same(once, play(**change)) for change in ({"epoch": 1}, {"shard": 1}, {"seed": 4}, {"parameters": 2}))


def test_samples_are_what_the_losses_want(play):
    found = play()
    action, advantage, log_p, result, weight = found["y"].T
    assert {name: array.dtype for name, array in found.items()} == dict.fromkeys(("x", "forbidden", "y", "returns"), np.float32)
    assert set(action.tolist()) <= set(range(9)) and (log_p <= 0).all()
    assert (found["forbidden"][np.arange(60), action.astype(int)] != FORBIDDEN).all()  # nobody takes what is taken
    assert advantage.mean() == pytest.approx(0, abs=1e-6) and advantage.std() == pytest.approx(1)
    assert set(result.tolist()) <= {-1, 0, 1} and weight.sum() == pytest.approx(round(weight.sum()))


def test_advantages_may_stay_as_they_are(play):
    plain = {"environments": 4, "steps": 15, "passes": 2, "standardise": False}
    assert not np.isclose(play(environment={"tic_tac_toe": plain})["y"][:, 1].std(), 1, atol=0.01)


def test_every_pass_has_the_same_samples(play, checked_playing):
    job = checked_playing()
    model = Model(job.maths)
    data = job.samples(model, lambda: model.initialize(1))
    first, second, other = (data.read(np.arange(60) + start)["y"] for start in (0, 60, 120))
    assert np.array_equal(first, second) and not np.array_equal(first, other)


def test_samples_of_several_shards_may_be_asked_for_at_once_and_none(checked_playing):
    job = checked_playing()
    model = Model(job.maths)
    data = job.samples(model, lambda: model.initialize(1))
    assert {name: array.shape for name, array in data.read(np.arange(0)).items()} == {
        "x": (0, 3, 3, 2), "forbidden": (0, 9), "y": (0, 5), "returns": (0,)}
    mixed = np.array([250, 3, 130, 4])
    np.testing.assert_array_equal(data.read(mixed)["y"], np.concatenate([data.read(mixed[[i]])["y"] for i in range(4)]))


@pytest.mark.parametrize("batch_size", [36, 33, 360, 720])
def test_each_shard_gets_each_of_its_own_samples_once_a_pass(checked_playing, batch_size):
    """3 shards, 60 steps each, 2 passes; the last batch may be smaller."""
    schedule = checked_playing(batch_size=batch_size).schedule
    order, seen = schedule.order(1), Counter()
    for step in range(schedule.steps_per_epoch):
        for shard, part in enumerate(cut(schedule.batch(step), 3)):
            assert set((order[part] // 120).tolist()) <= {shard}
            seen.update(order[part].tolist())
    assert seen == Counter(range(360))
    assert not np.array_equal(order, schedule.order(2))


def test_an_epoch_is_told_to_be_whole(checked_playing):
    """The tally of an epoch's steps is what it should be."""
    schedule, used = checked_playing().schedule, (0, 0)
    epoch = Epoch(schedule, 1)
    for step in range(schedule.steps_per_epoch):
        used = added(used, epoch.tally(schedule.batch(step)))
    assert used == expected(schedule, 1)
