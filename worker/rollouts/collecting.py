"""One logical shard's rollout: games played by the policy, as samples."""

from contextlib import closing
from typing import NamedTuple

import numpy as np

from bpcore import rng
from bpcore.arena import Vector
from bpcore.fields import Batch
from worker.comm.watch import Watch
from worker.environments import Environment
from worker.rollouts.advantages import advantages, episodes
from worker.rollouts.player import ANSWERS, RETURNS, Player, drawn

NO_DEVIATION = 1e-8  # below which advantages are equal


class Step(NamedTuple):
    """Of all games: what was seen, and arrays (games,). `beyond`: the value of what is seen behind the step, where it is asked
    for: 0 elsewhere."""

    seen: Batch
    actions: np.ndarray
    log_p: np.ndarray
    values: np.ndarray
    rewards: np.ndarray
    over: np.ndarray
    cut: np.ndarray
    beyond: np.ndarray


def rollout(player: Player, parameters: Vector, environment: Environment, seed: int, epoch: int, shard: int, watch: Watch) -> Batch:
    """The samples, (steps · environments, …) by field, step by step. `watch` is told of every step."""
    draws = rng.stream(seed, rng.ACTION, epoch, shard).random((environment.steps, environment.environments))
    steps: list[Step] = []
    with closing(environment.games(seeds(environment.environments, seed, rng.GAME, epoch, shard))) as games:
        for draw in draws:
            watch.goes_on()
            seen = games.now
            log_p, values = player.look(parameters, seen)
            actions, chosen = drawn(log_p, draw)
            moved = games.step(actions)
            asked = moved.cut.any() or len(steps) == len(draws) - 1
            beyond = player.look(parameters, moved.beyond)[1] if asked else np.zeros(len(actions))
            steps.append(Step(seen, actions, chosen, values, moved.rewards, moved.over, moved.cut, beyond))
    return _samples(steps, environment)


def seeds(count: int, seed: int, purpose: int, epoch: int = 0, shard: int = 0) -> np.ndarray:
    """Of so many games, below 2^31."""
    return rng.bits(seed, purpose, epoch, shard).random_raw(count) >> np.uint64(33)


def _samples(steps: list[Step], environment: Environment) -> Batch:
    _, actions, log_p, values, rewards, over, cut, beyond = (np.stack(column) if i else None for i, column in enumerate(zip(*steps)))
    ended, sign = over | cut, -1 if environment.alternates else 1
    asked = cut.copy()
    asked[-1] = True
    next_values = np.where(over, 0, np.where(asked, beyond, np.roll(values, -1, axis=0)))
    found = advantages(rewards, values, next_values, ended, environment.discount, environment.gae_lambda, sign)
    returns, shares = episodes(rewards, ended, sign)
    answers = np.stack([actions, _standardised(found) if environment.standardise else found, log_p, returns, shares], axis=-1)
    seen = {name: np.stack([step.seen[name] for step in steps]) for name in steps[0].seen}
    fields = seen | {ANSWERS: answers.astype(np.float32), RETURNS: (found + values).astype(np.float32)}
    return {name: array.reshape(-1, *array.shape[2:]) for name, array in fields.items()}


def _standardised(found: np.ndarray) -> np.ndarray:
    deviation = found.std()
    return (found - found.mean()) / (deviation if deviation > NO_DEVIATION else 1)
