"""noise: adds normal numbers of deviation `stddev` to every number of a sample."""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.errors import InvalidInput, Problem, expected
from worker.transforms import Random


@dataclass(frozen=True, kw_only=True)
class Noise(Random):
    stddev: float = number(above=0)

    def after(self, fields):
        if self.numbers(fields).integer:
            raise InvalidInput([Problem("field", expected("a field of numbers", f"integers in {self.field}"))])
        return dict(fields)

    def vary(self, sample, random, other):
        x = sample[self.field]
        return sample | {self.field: x + np.float32(self.stddev) * random.standard_normal(x.shape, np.float32)}
