"""How the gradients of all shards become one sum on every rank, one way a file.

A step calls `add` for each of its shards in ascending order, then `finish`. Buffers are the exchange's:
`buffer` lends one, `add` takes it back.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from bpcore.arena import Vector


class Exchange(ABC):
    """The contract."""

    @abstractmethod
    def assign(self, assignments: Sequence[Sequence[int]]) -> None:
        """Takes note of who holds which shards, from the next step on."""

    @abstractmethod
    def buffer(self) -> Vector:
        """A gradient vector to write the next shard's gradient into."""

    @abstractmethod
    def add(self, shard: int, gradient: Vector) -> None:
        """Hands in the finished gradient of one shard."""

    @abstractmethod
    def finish(self) -> Vector:
        """The sum over all shards of all ranks; valid until the next `add`. Collective."""
