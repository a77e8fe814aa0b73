"""roads: what a camera behind a windscreen sees of a road with curves, and which pixels are the lane ahead.

x: (height, width, 1), in [0, 1]; y: (height, width), 1 between the two lines of our own lane, else 0.

The road lies in a plane, so the lane narrows towards the horizon; its middle there is c₀ + c₁ d + c₂ d², with the distance d
from 0 at the lower edge to 1 at the horizon. Lines are solid or broken; asphalt, verge, lines and sky have brightnesses of
their own, with shadows across the road and noise over everything.
"""

from dataclasses import dataclass

import numpy as np

from bpcore import rng
from bpcore.attributes import choice, integer, number
from worker.datasets import Arrays, DataRoot, Dataset, Format


@dataclass(frozen=True)
class Roads(Format):
    samples: int = integer(1000, minimum=1)
    height: int = integer(32, minimum=16)
    width: int = integer(48, minimum=16)
    noise: float = number(0.1, minimum=0)
    split: str = choice("train", "test")
    seed: int = integer(0)

    def open(self, root: DataRoot) -> Dataset:
        random = rng.stream(self.seed, rng.SPLIT, 0 if self.split == "train" else 1)
        pictures, lanes = zip(*(self._road(random) for _ in range(self.samples)))
        x = np.stack(pictures) + self.noise * random.standard_normal((self.samples, self.height, self.width))
        return Arrays({"x": x.clip(0, 1).astype(np.float32)[..., None], "y": np.stack(lanes).astype(np.int64)})

    def _road(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The picture without noise, and the lane."""
        horizon = round(self.height * random.uniform(0.2, 0.4))
        below = np.arange(self.height)[:, None] - horizon + 0.5  # rows below the horizon
        distance = 1 - below / (self.height - horizon)
        half = random.uniform(0.2, 0.35) * self.width * (0.1 + 0.9 * (1 - distance))
        middle = self.width * (0.5 + random.uniform(-0.1, 0.1) + random.uniform(-0.2, 0.2) * distance
                               + random.uniform(-0.4, 0.4) * distance**2)
        aside = (np.arange(self.width) + 0.5 - middle) / half  # −1 and 1 are the lines
        ground = below > 0
        lane, road = (np.abs(aside) < 1) & ground, (np.abs(aside) < random.uniform(1.5, 3)) & ground
        picture = np.where(ground, random.uniform(0.35, 0.6), random.uniform(0.6, 0.9))
        picture = np.where(road, random.uniform(0.15, 0.35), picture)
        picture *= np.where(ground, _shadows(random, distance), 1)
        for side in (-1, 1):
            line = (np.abs(aside - side) < 0.09) & ground & _painted(random, distance)
            picture = np.where(line, random.uniform(0.75, 1), picture)
        return picture, lane


def _painted(random: np.random.Generator, distance: np.ndarray) -> np.ndarray:
    """Where a line is: everywhere, or two thirds of the way in dashes that look shorter far away."""
    if random.random() < 0.5:
        return np.ones_like(distance, bool)
    return (4 / (1.2 - distance.clip(0, 1)) + random.random()) % 1 < 0.67


def _shadows(random: np.random.Generator, distance: np.ndarray) -> np.ndarray:
    """What shadows across the road leave of the light."""
    start, length = random.uniform(0, 1), random.uniform(0, 0.3)
    return np.where((distance > start) & (distance < start + length), random.uniform(0.5, 0.9), 1)
