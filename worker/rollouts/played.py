"""The samples of an environment as a data set: unplayed, what is known of them before; played, the samples themselves."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpcore.arena import Vector
from bpcore.fields import Batch, Field
from bpcore.metrics.episode_return import WEIGHT
from bpcore.model import Model
from worker.comm.watch import Unwatched, Watch
from worker.environments import Environment, Space
from worker.rollouts.collecting import rollout
from worker.rollouts.player import ANSWERS, RETURNS, Player
from worker.rollouts.rounds import Rounds


class Unplayed:
    """Of so many logical `shards`, each with `of_shard` steps of play. Who plays them is said to `by`."""

    is_on_disk = False
    learned: Mapping[str, Any] = {}

    def __init__(self, environment: Environment, space: Space, shards: int, seed: int):
        self.environment, self.actions, self.seed = environment, space.actions, seed
        self.shards, self.of_shard = shards, environment.steps * environment.environments
        self.fields = {**space.fields, ANSWERS: Field((WEIGHT + 1,)), RETURNS: Field(())}

    def __len__(self) -> int:
        return self.shards * self.environment.passes * self.of_shard

    def schedule(self, batch_size: int, epochs: int) -> Rounds:
        return Rounds(len(self), batch_size, epochs, self.seed, self.shards, self.environment.passes)

    def by(self, model: Model, start: Callable[[], Vector], watch: Watch = Unwatched()) -> "Played":
        """`start()`: the parameters that the epoch began with; `watch` is told while it is played."""
        return Played(self, Player(model), start, watch)


class Played:
    """A Dataset. A shard is played when the first of its samples is asked for, once an epoch."""

    is_on_disk = False
    learned: Mapping[str, Any] = {}

    def __init__(self, given: Unplayed, player: Player, start: Callable[[], Vector], watch: Watch):
        self._given, self._player, self._start, self._watch = given, player, start, watch
        self.fields, self._epoch = given.fields, 0
        self._table: dict[str, np.ndarray] = {}  # of all shards; what is not played takes no memory
        self._there: set[int] = set()

    def __len__(self) -> int:
        return len(self._given)

    def of_epoch(self, epoch: int) -> "Played":
        if epoch != self._epoch:
            self._epoch = epoch
            self._there.clear()
        return self

    def read(self, indices: np.ndarray) -> Batch:
        steps = self._given.of_shard
        shards = indices // (self._given.environment.passes * steps)
        for shard in np.unique(shards).tolist():
            if shard not in self._there:
                self._play(shard)
        places = shards * steps + indices % steps
        return {name: array.take(places, 0) for name, array in (self._table or self._nothing()).items()}

    def _play(self, shard: int) -> None:
        given = self._given
        found = rollout(self._player, self._start(), given.environment, given.seed, self._epoch, shard, self._watch)
        if not self._table:
            self._table = {name: np.zeros((given.shards * len(array), *array.shape[1:]), array.dtype) for name, array in found.items()}
        for name, array in found.items():
            self._table[name][shard * len(array):(shard + 1) * len(array)] = array
        self._there.add(shard)

    def _nothing(self) -> Batch:
        """Before anything was played; for who asks for no samples."""
        return {name: np.zeros((0, *field.shape), np.int64 if field.integer else np.float32) for name, field in self.fields.items()}
