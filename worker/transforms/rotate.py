"""rotate: turns a picture around its middle by up to `degrees` each way, at random; what comes in from outside is 0.

    also     fields that go along, such as a mask

Numbers are mixed of the four nearest pixels; integers are those of the nearest one.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from worker.transforms import Picture


@dataclass(frozen=True, kw_only=True)
class Rotate(Picture):
    degrees: float = number(above=0, below=180.0000001)

    def vary(self, sample, random, other):
        angle = np.deg2rad(self.degrees * (2 * random.random() - 1))
        return self.each(sample, lambda array: turned(array, angle))


def turned(array: np.ndarray, angle: float) -> np.ndarray:
    """Anticlockwise by `angle`, as a picture is looked at, whose rows go down."""
    height, width = array.shape[:2]
    middle = (height - 1) / 2, (width - 1) / 2
    y, x = np.indices((height, width)) - np.array(middle)[:, None, None]
    from_y, from_x = np.cos(angle) * y + np.sin(angle) * x + middle[0], np.cos(angle) * x - np.sin(angle) * y + middle[1]
    if array.dtype.kind != "f":
        return _pixels(array, np.rint(from_y).astype(int), np.rint(from_x).astype(int))
    top, left = np.floor(from_y).astype(int), np.floor(from_x).astype(int)
    down, across = (part.astype(array.dtype).reshape(height, width, *[1] * (array.ndim - 2)) for part in (from_y - top, from_x - left))
    return ((1 - down) * ((1 - across) * _pixels(array, top, left) + across * _pixels(array, top, left + 1))
            + down * ((1 - across) * _pixels(array, top + 1, left) + across * _pixels(array, top + 1, left + 1)))


def _pixels(array: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Those at the places given; 0 outside."""
    height, width = array.shape[:2]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = array[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return np.where(inside.reshape(height, width, *[1] * (array.ndim - 2)), found, 0).astype(array.dtype)
