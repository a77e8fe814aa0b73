"""time_mask: sets up to `length` frames to 0, one after the other, at a random place; `count` times.

    field    (frames, …), such as log-mel features

Source: Park et al., "SpecAugment", Interspeech 2019, section 2.
"""

from dataclasses import dataclass

from bpcore.attributes import integer
from bpcore.errors import InvalidInput, Problem, expected
from worker.transforms import Random


@dataclass(frozen=True, kw_only=True)
class TimeMask(Random):
    length: int = integer(minimum=1)
    count: int = integer(1, minimum=1)

    def after(self, fields):
        shape = self.numbers(fields).shape
        if len(shape) < 2:
            raise InvalidInput([Problem("field", expected("frames (frames, bands)", list(shape)))])
        return dict(fields)

    def vary(self, sample, random, other):
        x = sample[self.field].copy()
        for _ in range(self.count):
            length = int(random.random() * (min(self.length, len(x)) + 1))
            start = int(random.random() * (len(x) - length + 1))
            x[start:start + length] = 0
        return sample | {self.field: x}
