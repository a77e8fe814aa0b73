"""Environments of Gymnasium are stepped as its own loop would, and what cannot be played is refused by name."""

import numpy as np
import pytest

from bpcore.fields import Field
from worker.environments import ENVIRONMENTS

gymnasium = pytest.importorskip("gymnasium", reason="needs Gymnasium: pip install 'bptrain[gym]'")

STEPS, SEEDS = 60, [5, 6, 7]


def environment(name, **more):
    return ENVIRONMENTS.build({"gymnasium": {"name": name} | more})


def test_games_side_by_side_are_those_of_gymnasium_one_by_one():
    games, actions = environment("CartPole-v1").games(SEEDS), np.random.default_rng(0).integers(0, 2, (STEPS, len(SEEDS)))
    singles = [gymnasium.make("CartPole-v1") for _ in SEEDS]
    now = [env.reset(seed=seed)[0] for env, seed in zip(singles, SEEDS)]
    ended = 0
    for row in actions:
        np.testing.assert_array_equal(games.now["x"], now)
        moved, found = games.step(row), [env.step(action) for env, action in zip(singles, row)]
        np.testing.assert_array_equal(moved.beyond["x"], [each[0] for each in found])
        assert moved.rewards.tolist() == [each[1] for each in found]
        assert (moved.over.tolist(), moved.cut.tolist()) == ([each[2] for each in found], [each[3] for each in found])
        now = [env.reset()[0] if each[2] or each[3] else each[0] for env, each in zip(singles, found)]
        ended += sum(each[2] for each in found)
    assert ended > 3
    games.close()


def test_a_limit_of_time_cuts_and_does_not_end():
    """MountainCar stops after 200 steps; nobody gets up the hill by standing still."""
    games = environment("MountainCar-v0").games([1])
    steps = [games.step(np.array([1])) for _ in range(200)]
    assert [bool(step.cut[0]) for step in steps] == [False] * 199 + [True] and not any(step.over[0] for step in steps)
    assert not np.array_equal(steps[-1].beyond["x"], games.now["x"])


def test_integers_are_seen_as_integers():
    space = environment("FrozenLake-v1").space()
    assert space.fields == {"x": Field((), True, 16)} and space.actions == 4
    now = environment("FrozenLake-v1").games(SEEDS).now["x"]
    assert now.dtype == np.int64 and now.shape == (3,)


@pytest.mark.parametrize(("name", "text"), [
    ("CartPol-v1", 'name: unknown environment "CartPol-v1"; did you mean CartPole-v1? known: '),
    ("os:CartPole-v1", 'name: unknown environment "os:CartPole-v1"; '),  # Gymnasium would import os
    ("Pendulum-v1", 'name: expected actions to choose among (Discrete), got "Box(-2.0, 2.0, (1,), float32)"; continuous actions are not supported'),
    ("Blackjack-v1", 'name: expected observations of numbers (Box), or of one integer (Discrete), got "Tuple('),
])
def test_what_cannot_be_played_is_refused(refused, name, text):
    problem, = refused(lambda: environment(name).space())
    assert problem.startswith(text)


def test_an_environment_that_lacks_its_own_library_says_which(refused, monkeypatch):
    def make(*_, **__):
        raise gymnasium.error.DependencyNotInstalled("Box2D is not installed\nTraceback")

    monkeypatch.setattr(gymnasium, "make", make)
    assert refused(lambda: environment("LunarLander-v3").space()) == [
        'name: expected an environment that can be made, but "LunarLander-v3" cannot: Box2D is not installed']


def test_without_gymnasium_the_extra_is_named(refused, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gymnasium", None)
    assert refused(lambda: environment("CartPole-v1").space()) == ["expected Gymnasium to be installed: pip install 'bptrain[gym]'"]
