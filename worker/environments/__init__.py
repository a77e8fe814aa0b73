"""Environments, one a file: what a policy is trained in, and looked at.

1. An environment makes Games, so many side by side; seeds and actions decide all that happens in them.
2. Nothing is carried over from one rollout to the next: games are made anew for each, and begin at their beginning.
3. An action is one of a fixed number, 0 … actions − 1.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from bpcore.attributes import flag, fraction, integer
from bpcore.fields import Batch, Field
from bpcore.registry import Registry


class Space(NamedTuple):
    """`fields`: what is seen before a step, as samples of the model's inputs; `actions`: how many there are."""

    fields: Mapping[str, Field]
    actions: int


class Moved(NamedTuple):
    """What a step has brought each of n games: `rewards`, numbers (n,), to whoever moved; `over`, `cut`: whether the game is
    over by its rules, or cut short by a limit; `beyond`: what is seen behind the step, before such games begin anew."""

    rewards: np.ndarray
    over: np.ndarray
    cut: np.ndarray
    beyond: Batch


class Games(ABC):
    """n games side by side. `now`: field → array (n, …), what is seen; every step puts new arrays there."""

    now: Batch

    @abstractmethod
    def step(self, actions: np.ndarray) -> Moved:
        """Integers (n,), one for each game. A game that has ended begins anew."""

    def close(self) -> None:
        """They are not needed any more."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The base class, with what an epoch is made of.

    environments    games that a logical shard plays side by side
    steps           of each of them in an epoch; where a game goes on behind them, its value stands for the rest
    passes          over what was played, in mini-batches
    discount        γ, of a reward a step later
    gae_lambda      λ of the advantages (worker/rollouts/advantages.py)
    standardise     whether the advantages of a shard's rollout are brought to mean 0 and deviation 1
    episodes        played behind each epoch with the likeliest actions, from the same seeds each time
    longest         steps of such an episode, at most

    `alternates`: every step is the other player's, and what one wins the other loses.
    """

    environments: int = integer(8, minimum=1)
    steps: int = integer(128, minimum=1)
    passes: int = integer(4, minimum=1)
    discount: float = fraction(0.99)
    gae_lambda: float = fraction(0.95)
    standardise: bool = flag(True)
    episodes: int = integer(20, minimum=1)
    longest: int = integer(1000, minimum=1)

    alternates: ClassVar[bool] = False

    def space(self) -> Space:
        """Raises InvalidInput where it cannot be played, or not by choosing among actions."""
        raise NotImplementedError

    def games(self, seeds: Sequence[int]) -> Games:
        """One for each seed, below 2^31; what is trained on."""
        raise NotImplementedError

    def contests(self, seeds: Sequence[int]) -> Games:
        """One for each seed, to say how good a policy is: each step is its own."""
        return self.games(seeds)


ENVIRONMENTS: Registry[Environment] = Registry("environment", __name__, Environment)
