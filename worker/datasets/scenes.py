"""scenes: pictures with real handwritten digits in them, at places and in sizes of their own, and what a grid of cells is to say.

x: (32, 32, 1), in [0, 1], with noise. The picture has 4 × 4 cells of 8 × 8 pixels; a digit belongs to the cell of its centre.
object (4, 4, 1): 1 where a digit is; box (4, 4, 4): its centre in the cell, in [0, 1), and its width and height, in cells;
digit (4, 4): which one it is; found (4, 4): as object, to weigh the other two with, which are 0 elsewhere.

One to `most` digits a picture, each 8 to 16 pixels wide and high, overlapping in little. The digits are scikit-learn's: `train`
is composed of its training part alone, `test` of the other.
"""

from dataclasses import dataclass

import numpy as np

from bpcore import rng
from bpcore.attributes import choice, integer, number
from worker.datasets import Arrays, DataRoot, Dataset, Format
from worker.datasets.sklearn import Sklearn

SIZE, GRID = 32, 4
CELL = SIZE // GRID
TRIES = 20  # to find room for a digit


@dataclass(frozen=True)
class Scenes(Format):
    samples: int = integer(1000, minimum=1)
    most: int = integer(3, minimum=1)
    noise: float = number(0.1, minimum=0)
    split: str = choice("train", "test")
    seed: int = integer(0)

    def open(self, root: DataRoot) -> Dataset:
        digits = Sklearn(name="digits", split=self.split).open(root)
        pictures = digits.read(np.arange(len(digits)))
        random = rng.stream(self.seed, rng.SPLIT, 0 if self.split == "train" else 1)
        scenes = [_scene(random, pictures["x"][..., 0], pictures["y"], self.most) for _ in range(self.samples)]
        x, found, box, digit = (np.stack(part) for part in zip(*scenes))
        x += self.noise * random.standard_normal(x.shape, np.float32)
        return Arrays({"x": x.clip(0, 1)[..., None], "object": found[..., None], "box": box, "digit": digit, "found": found})


def _scene(random: np.random.Generator, images: np.ndarray, labels: np.ndarray, most: int) -> tuple[np.ndarray, ...]:
    """Picture, whether there is an object, its box, its digit."""
    picture = np.zeros((SIZE, SIZE), np.float32)
    found, digit = np.zeros((2, GRID, GRID), np.int64)
    box = np.zeros((GRID, GRID, 4), np.float32)
    for _ in range(random.integers(1, most + 1)):
        chosen = random.integers(len(images))
        place = _room(random, picture)
        if place is None:
            break
        top, left, height, width = place
        part = picture[top:top + height, left:left + width]
        np.maximum(part, _resized(images[chosen], height, width), out=part)
        row, column = (top + height / 2) / CELL, (left + width / 2) / CELL
        cell = int(row), int(column)
        found[cell], digit[cell] = 1, labels[chosen]
        box[cell] = column % 1, row % 1, width / CELL, height / CELL
    return picture, found, box, digit


def _room(random: np.random.Generator, picture: np.ndarray) -> tuple[int, int, int, int] | None:
    """Top, left, height and width of a place with hardly anything in it; None where none was found."""
    for _ in range(TRIES):
        height, width = random.integers(CELL, 2 * CELL + 1, 2)
        top, left = random.integers(0, SIZE - height + 1), random.integers(0, SIZE - width + 1)
        if picture[top:top + height, left:left + width].mean() < 0.01:
            return top, left, height, width
    return None


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear, from the middles of pixels."""
    for axis, size in enumerate((height, width)):
        place = ((np.arange(size) + 0.5) * image.shape[axis] / size - 0.5).clip(0, image.shape[axis] - 1)
        low = place.astype(int)
        share = np.expand_dims((place - low).astype(np.float32), 1 - axis)
        high = np.minimum(low + 1, image.shape[axis] - 1)
        image = image.take(low, axis) * (1 - share) + image.take(high, axis) * share
    return image
