"""flip: mirrors a picture, at random, with `probability`.

    axis     horizontal (left and right change places) or vertical
    also     fields that go along, such as a mask
"""

from dataclasses import dataclass

from bpcore.attributes import choice, fraction
from worker.transforms import Picture


@dataclass(frozen=True, kw_only=True)
class Flip(Picture):
    axis: str = choice("horizontal", "vertical")
    probability: float = fraction(0.5)

    def vary(self, sample, random, other):
        if random.random() >= self.probability:
            return sample
        return self.each(sample, lambda array: array[:, ::-1] if self.axis == "horizontal" else array[::-1])
