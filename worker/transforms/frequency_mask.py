"""frequency_mask: sets up to `length` bands to 0, side by side, at a random place; `count` times.

    field    (frames, bands), such as log-mel features

Source: Park et al., "SpecAugment", Interspeech 2019, section 2.
"""

from dataclasses import dataclass

from bpcore.attributes import integer
from bpcore.errors import InvalidInput, Problem, expected
from worker.transforms import Random


@dataclass(frozen=True, kw_only=True)
class FrequencyMask(Random):
    length: int = integer(minimum=1)
    count: int = integer(1, minimum=1)

    def after(self, fields):
        shape = self.numbers(fields).shape
        if len(shape) != 2:
            raise InvalidInput([Problem("field", expected("frames (frames, bands)", list(shape)))])
        return dict(fields)

    def vary(self, sample, random, other):
        x = sample[self.field].copy()
        for _ in range(self.count):
            length = int(random.random() * (min(self.length, x.shape[1]) + 1))
            start = int(random.random() * (x.shape[1] - length + 1))
            x[:, start:start + length] = 0
        return sample | {self.field: x}
