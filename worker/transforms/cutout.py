"""cutout: sets a square of a picture to 0, at a random place; it may lie partly outside.

    size_px  pixels, an integer or [height, width]

Source: DeVries & Taylor, "Improved regularization of convolutional neural networks with Cutout", 2017, section 3.2.
"""

from dataclasses import dataclass

from bpcore.attributes import pair
from worker.transforms import Picture


@dataclass(frozen=True, kw_only=True)
class Cutout(Picture):
    size_px: tuple[int, int] = pair()

    def vary(self, sample, random, other):
        x = sample[self.field].copy()
        (top, bottom), (left, right) = ((max(0, middle - size // 2), middle - size // 2 + size) for middle, size in zip(
            (int(random.random() * x.shape[0]), int(random.random() * x.shape[1])), self.size_px))
        x[top:bottom, left:right] = 0
        return sample | {self.field: x}
