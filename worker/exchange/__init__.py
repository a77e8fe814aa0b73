"""How the gradients of all shards become one sum, one way a file.

1. A step asks for the `buffer` of each of its shards in ascending order, writes the gradient there, and
   says so with `add`. When all ranks have (the vote tells), `combine` does what needs messages, and the calls of
   `sums` make `total` whole in the part asked for.
2. Each rank asks for the part that it updates, on its node; parts may be asked for in pieces.
3. Gradients lie in memory that the ranks of a node share (regions.py), so within a node nothing is sent.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.arena import Layout, Vector
from bpcore.errors import Problem
from bpcore.fields import Batch
from bpcore.model import Model
from bpcore.optimization.update import Pace
from bpcore.plan import Key
from bpcore.registry import Registry
from bpcore.spec import Spec
from worker.crew import Crew


class Exchange(ABC):
    """The contract. `total`: flat; valid where the calls of `sums` were made, until the next step's gradients."""

    total: np.ndarray

    @abstractmethod
    def assign(self, assignments: Sequence[Sequence[int]]) -> None:
        """Takes note of who holds which shards, from the next step on. Collective."""

    def gradient(self, model: Model, parameters: Vector, batch: Batch, out: Vector, key: Key, counts: Sequence[float],
                 pace: Pace) -> np.ndarray:
        """Writes a shard's gradient into `out`; its row of sums. As Model.gradient, unless a way has its own. `pace`: of
        the update to come, its count not known yet."""
        return model.gradient(parameters, batch, out, key, counts)

    @abstractmethod
    def buffer(self, shard: int) -> Vector:
        """Where to write the shard's gradient."""

    @abstractmethod
    def add(self, shard: int) -> None:
        """The shard's gradient is written."""

    @abstractmethod
    def combine(self, count: float) -> None:
        """What needs messages. `count`: what the sum is divided by afterwards. Collective."""

    @abstractmethod
    def sums(self, part: slice) -> Sequence[Callable[[], object]]:
        """The calls that make `total` the sum over all shards in `part`, in every step under this assignment."""


@dataclass(frozen=True)
class Reduction:
    """The base class: a way, with its attributes. `same_bits`: on any number of ranks."""

    same_bits: ClassVar[bool] = True

    def open(self, crew: Crew, layout: Layout, shards: int, at_once: bool) -> Exchange:
        """For this crew. `at_once`: a rank computes its shards side by side, not one after the other. Collective."""
        raise NotImplementedError

    def problems(self, spec: Spec, diagnoses: int) -> list[Problem]:
        """What this way cannot do of a job. `diagnoses`: every how many steps it is diagnosed, 0 for never."""
        return []


REDUCTIONS: Registry[Reduction] = Registry("reduction", __name__, Reduction)
