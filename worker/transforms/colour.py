"""colour: changes brightness, contrast and saturation of a picture, at random.

    brightness    all numbers times 1 + u, with u uniform in ±brightness
    contrast      away from the picture's mean, or towards it, by 1 + u
    saturation    away from each pixel's gray, or towards it, by 1 + u; pictures with 3 channels

Gray is 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601). Numbers are kept between the field's 0 and 1.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.errors import InvalidInput, Problem, expected
from worker.transforms import Picture

GRAY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, kw_only=True)
class Colour(Picture):
    brightness: float = number(0.0, minimum=0, below=1)
    contrast: float = number(0.0, minimum=0, below=1)
    saturation: float = number(0.0, minimum=0, below=1)

    def after(self, fields):
        found = super().after(fields)
        if self.saturation and fields[self.field].shape[2] != 3:
            raise InvalidInput([Problem("saturation", expected("pictures with 3 channels", fields[self.field].shape[2]))])
        return found

    def vary(self, sample, random, other):
        bright, contrast, saturation = (np.float32(1 + most * (2 * random.random() - 1))
                                        for most in (self.brightness, self.contrast, self.saturation))
        x = sample[self.field] * bright
        x = x.mean() + (x - x.mean()) * contrast
        if self.saturation:
            gray = (x @ GRAY)[..., None]
            x = gray + (x - gray) * saturation
        return sample | {self.field: np.clip(x, 0, 1).astype(np.float32)}
