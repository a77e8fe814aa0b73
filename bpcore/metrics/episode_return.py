"""episode_return: the mean return of finished episodes, Σ w G / Σ w.

output: any, not looked at; targets: (…, 5): action, advantage and old log-probability, as policy_gradient takes them, then the
sum G of the rewards of the sample's whole episode, and w = 1 / the episode's steps, 0 where it was not finished. So an episode
whose steps are all there counts 1, and any part of an epoch says something of all of it.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.metrics import Case, Metric, weighted
from bpcore.numerics.targets import described

RETURN, WEIGHT = 3, 4  # on the last axis


@dataclass(frozen=True)
class EpisodeReturn(Metric):
    def target_problem(self, output, targets):
        if targets.integer or targets.shape[-1:] != (WEIGHT + 1,):
            wants = "numbers (…, 5): action, advantage, old log-probability, return and weight"
            return expected(wants, described(targets), "they come with data.environment")
        return None

    def sums(self, output, targets, weights):
        t = targets.astype(np.float64)
        return weighted(t[..., WEIGHT] * t[..., RETURN], weights)[0], weighted(t[..., WEIGHT], weights)[0]

    @classmethod
    def cases(cls):
        """By hand: an episode of two steps that brought 3, one of a step that brought 6, and the beginning of a third."""
        targets = np.array([[0, 0, 0, 3, 0.5], [1, 0, 0, 3, 0.5], [0, 0, 0, 6, 1], [0, 0, 0, 9, 0]])
        yield Case(cls(), np.zeros((4, 2)), targets, 4.5)
        yield Case(cls(), np.zeros((4, 2)), targets, 5.0, weights=np.array([0.0, 1.0, 1.0, 1.0]))
