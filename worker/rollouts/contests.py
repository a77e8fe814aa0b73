"""How good a policy is: the mean return of episodes that it plays with its likeliest actions, the same ones behind each epoch.

Episodes are split over the logical shards as samples are. The loss that is reported, and that goes into best checkpoints, early
stopping and schedules, is minus that mean return.
"""

from contextlib import closing

import numpy as np

from bpcore import rng
from bpcore.arena import Vector
from bpcore.metrics.episode_return import EpisodeReturn
from bpcore.model import Model
from worker.comm.watch import Watch
from worker.environments import Environment
from worker.rollouts.collecting import seeds
from worker.rollouts.player import Player, policy
from worker.shards import part
from worker.step import Stepper


class Contests:
    def __init__(self, model: Model, environment: Environment, seed: int):
        self._player, self._environment, self._width = Player(model), environment, model.row_width
        self._seeds = seeds(environment.episodes, seed, rng.CONTEST)
        head = policy(model.spec)
        self._names = [f"{head.name}_{name}" for name, metric in head.metrics.items() if isinstance(metric, EpisodeReturn)]

    def run(self, parameters: Vector, stepper: Stepper, watch: Watch) -> np.ndarray:
        """As wide as a row of sums: the sum of returns, the number of episodes, zeros. Collective."""
        rows = {shard: np.zeros(self._width) for shard in stepper.mine}
        for shard, row in rows.items():
            own = self._seeds[part(slice(0, len(self._seeds)), stepper.shards, shard)]
            row[:2] = self._returns(parameters, own, watch) if len(own) else 0, len(own)
        return stepper.voter.vote(rows).row

    def summary(self, row: np.ndarray) -> dict[str, float]:
        mean = float(row[0] / row[1])
        return {"loss": 0.0 - mean, **dict.fromkeys(self._names, mean)}

    def _returns(self, parameters: Vector, own: np.ndarray, watch: Watch) -> float:
        """The sum over the episodes of these seeds, side by side."""
        total, plays, steps = 0.0, np.ones(len(own), bool), 0
        with closing(self._environment.contests(own)) as games:
            while plays.any() and steps < self._environment.longest:
                watch.goes_on()
                moved = games.step(self._player.look(parameters, games.now)[0].argmax(axis=-1))
                total += float(moved.rewards[plays].sum())
                plays &= ~(moved.over | moved.cut)
                steps += 1
        return total
