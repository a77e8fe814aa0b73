"""crop: moves a picture by up to `shift` pixels each way, at random; what comes in from outside is 0.

    shift    an integer, or [down, across]
    also     fields that go along, such as a mask

Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", NIPS 2012, section 4.1; with zeros
around as in He et al., "Deep residual learning for image recognition", CVPR 2016, section 4.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import pair
from worker.transforms import Picture


@dataclass(frozen=True, kw_only=True)
class Crop(Picture):
    shift: tuple[int, int] = pair()

    def vary(self, sample, random, other):
        down, across = (int(random.random() * (2 * most + 1)) for most in self.shift)

        def moved(array: np.ndarray) -> np.ndarray:
            padded = np.pad(array, [(most, most) for most in self.shift] + [(0, 0)] * (array.ndim - 2))
            return padded[down:down + array.shape[0], across:across + array.shape[1]]

        return self.each(sample, moved)
