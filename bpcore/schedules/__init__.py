"""Learning-rate schedules, one a file: what the optimizer's learning rate is multiplied by, at each step.

1. A factor is a pure function of the step and of the evaluations so far: resuming needs no memory of it.
2. Any schedule can be preceded by a linear warm-up; its own steps count from the warm-up's end.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bpcore.attributes import integer
from bpcore.registry import Registry


class Clock(NamedTuple):
    """When a factor is asked for. `step` from 0; `evaluations`: the held-out loss after each epoch so far."""

    step: int
    total_steps: int
    steps_per_epoch: int = 1
    evaluations: Sequence[float] = ()

    def passed(self, unit: str) -> int:
        """Whole epochs (`unit` "epoch") or steps ("step") before this step."""
        return self.step // self.steps_per_epoch if unit == "epoch" else self.step


@dataclass(frozen=True)
class Schedule:
    """The base class. `warmup`: steps of a linear rise before it; factor (step + 1) / warmup there."""

    warmup: int = integer(0)

    def factor(self, clock: Clock) -> float:
        """What the learning rate is multiplied by in this step."""
        if not self.warmup:
            return self.shape(clock)
        if clock.step < self.warmup:
            return (clock.step + 1) / self.warmup
        behind = Clock(clock.step - self.warmup, max(1, clock.total_steps - self.warmup), clock.steps_per_epoch, clock.evaluations)
        return self.shape(behind)

    def shape(self, clock: Clock) -> float:
        """The same without warm-up."""
        raise NotImplementedError

    @classmethod
    def cases(cls) -> Iterator["Schedule"]:
        """Instances that the suite runs; at least one."""
        raise NotImplementedError


def evaluations_without_progress(evaluations: Sequence[float], min_delta: float = 0.0) -> int:
    """How many of the last evaluations were not better than the best before them by more than `min_delta`."""
    best, since = math.inf, 0
    for value in evaluations:
        since = 0 if value < best - min_delta else since + 1
        best = min(best, value) if value == value else best
    return since


SCHEDULES: Registry[Schedule] = Registry("schedule", __name__, Schedule)
