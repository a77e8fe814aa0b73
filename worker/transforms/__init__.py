"""Transforms of samples, one a file, applied in the order of the job file's `data.transforms`.

1. What a transform must know of the data (a mean, a range) is learned of the training data alone, of at most LEARNED samples
   that the seed chooses, and kept with the checkpoint: held-out data, and what is predicted, goes the same way.
2. A random one changes training data only, sample by sample, drawing from a stream of (seed, epoch, sample, its place in
   the list): who computes the sample, and with which others, does not matter.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcore.attributes import names, text, unknown
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Batch, Field
from bpcore.registry import Registry

Fields = Mapping[str, Field]
Sample = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Transform:
    """The base class. `field`: what is changed."""

    field: str = text("x", wants="the name of a field")

    def after(self, fields: Fields) -> dict[str, Field]:
        """The fields of what comes out. Raises InvalidInput for data that this cannot be done to."""
        return dict(fields)

    def learn(self, batches: Callable[[], Iterator[Batch]], fields: Fields) -> dict[str, Any]:
        """What is to be known of the training data, as JSON. `batches()`: all of it, once each time; numbers."""
        return {}

    def apply(self, batch: Batch, learned: Mapping[str, Any]) -> Batch:
        """A batch changed; what comes in is not written to."""
        return batch

    def numbers(self, fields: Fields) -> Field:
        """The field that is changed. Raises InvalidInput unless it is there."""
        if self.field not in fields:
            raise InvalidInput([Problem("field", unknown(self.field, fields, "field"))])
        return fields[self.field]


@dataclass(frozen=True, kw_only=True)
class Random(Transform):
    """The base of those that change training data at random."""

    def vary(self, sample: Sample, random: np.random.Generator, other: Callable[[float], Sample]) -> Sample:
        """One sample changed. `other(u)`: the sample that stands at the part u of all, 0 ≤ u < 1, as it comes to this."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Picture(Random):
    """The base of random ones for pictures (height, width, channels). `also`: fields (height, width) or (height, width,
    channels) that go along, such as a mask."""

    also: tuple[str, ...] = names(())

    def after(self, fields):
        shape = self.numbers(fields).shape
        if len(shape) != 3:
            raise InvalidInput([Problem("field", expected("pictures (height, width, channels)", list(shape)))])
        problems = [Problem("also", unknown(name, fields, "field")) for name in self.also if name not in fields]
        problems += [Problem("also", expected(f"a field of {list(shape[:2])}, as the pictures have it", list(fields[name].shape)))
                     for name in self.also if name in fields and fields[name].shape[:2] != shape[:2]]
        if problems:
            raise InvalidInput(problems)
        return dict(fields)

    def each(self, sample: Sample, change: Callable[[np.ndarray], np.ndarray]) -> Sample:
        """The sample with the picture, and what goes along, changed."""
        return sample | {name: np.ascontiguousarray(change(sample[name])) for name in (self.field, *self.also)}


TRANSFORMS: Registry[Transform] = Registry("transform", __name__, Transform)
