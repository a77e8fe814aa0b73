"""gymnasium: an environment of Gymnasium, or of any package that is registered there, by name.

    name    such as CartPole-v1; `pip install 'bptrain[gym]'` brings it and its classic ones

x: what is observed: numbers in the shape of a Box, or one integer of a Discrete. Actions are those of a Discrete; continuous
ones are refused. A limit of time that the name comes with cuts an episode short, which is not its end: the value of what is
seen behind it stands for the rest.

Source: Towers et al., "Gymnasium: a standard interface for reinforcement learning environments", arXiv 2407.17032.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcore.attributes import text, unknown
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Batch, Field
from worker.environments import Environment, Games, Moved, Space


@dataclass(frozen=True, kw_only=True)
class Gymnasium(Environment):
    name: str = text()

    def space(self):
        env = _made(self.name)
        try:
            return Space({"x": _field(env.observation_space)}, int(_discrete(env.action_space).n))
        finally:
            env.close()

    def games(self, seeds):
        return _Side(self.name, seeds)


class _Side(Games):
    """Side by side in one process, in order."""

    def __init__(self, name: str, seeds: Sequence[int]):
        self._envs = [_made(name) for _ in seeds]
        self._first, self._lowest = (int(getattr(space, "start", 0)) for space in (self._envs[0].action_space, self._envs[0].observation_space))
        self._field = _field(self._envs[0].observation_space)
        self.now = self._seen([env.reset(seed=int(seed))[0] for env, seed in zip(self._envs, seeds)])

    def step(self, actions):
        found = [env.step(action) for env, action in zip(self._envs, (actions + self._first).tolist())]
        observed, rewards, over, cut, _ = zip(*found)
        beyond = self.now = self._seen(observed)
        ended = np.logical_or(over, cut)
        if ended.any():
            self.now = self._seen([env.reset()[0] if ends else seen for env, ends, seen in zip(self._envs, ended, observed)])
        return Moved(np.array(rewards, np.float64), np.array(over), np.array(cut), beyond)

    def close(self):
        for env in self._envs:
            env.close()

    def _seen(self, observed: Sequence[Any]) -> Batch:
        return {"x": np.array(observed) - self._lowest if self._field.integer else np.array(observed, np.float32)}


def _field(space: Any) -> Field:
    """Raises InvalidInput for what is no field."""
    kind = type(space).__name__
    if kind == "Discrete":
        return Field((), True, int(space.n))
    if kind == "Box":
        return Field(tuple(space.shape))
    raise InvalidInput([Problem("name", expected("observations of numbers (Box), or of one integer (Discrete)", str(space)))])


def _discrete(space: Any) -> Any:
    if type(space).__name__ != "Discrete":
        raise InvalidInput([Problem("name", expected("actions to choose among (Discrete)", str(space), "continuous actions are not supported"))])
    return space


def _made(name: str) -> Any:
    """Raises InvalidInput. A name with a colon would have Gymnasium import a module first: it is not in the list."""
    try:
        import gymnasium
    except ImportError:
        raise InvalidInput([Problem("", "expected Gymnasium to be installed: pip install 'bptrain[gym]'")]) from None
    gymnasium.logger.min_level = gymnasium.logger.ERROR  # a name that has a newer version is no trouble
    if name not in gymnasium.registry:
        raise InvalidInput([Problem("name", unknown(name, gymnasium.registry, "environment"))])
    try:
        return gymnasium.make(name, disable_env_checker=True)
    except (gymnasium.error.Error, ImportError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInput([Problem("name", f'expected an environment that can be made, but "{name}" cannot: {reason}')]) from None
