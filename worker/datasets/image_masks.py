"""image_masks: pictures, each with a picture of its classes, pixel by pixel; decoded when asked for.

    path      a folder of pictures
    masks     a folder of pictures of the same names, whatever their suffixes: gray, or with a palette
    values    the gray value (or the palette's number) of class 0, 1, …; other values are refused
    size      [height, width] that all are scaled to, masks without mixing; left out: all must be of one size
    color     rgb or gray: 3 channels, or 1
    split, test_fraction, split_seed, on_bad: as everywhere (worker/sources/split.py)

Fields: x, (height, width, channels) from 0 to 1; y, integers (height, width).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import integers, text
from bpcore.errors import InvalidInput, Problem
from bpcore.fields import Field
from worker.errors import BadSample
from worker.sources import pictures
from worker.sources.lazy import Files, Lazy
from worker.sources.split import Source


@dataclass(frozen=True)
class ImageMasks(Source):
    path: str = text(wants="the path of a folder of pictures, relative to the data root")
    masks: str = text(wants="the path of a folder of pictures, relative to the data root")
    values: tuple[int, ...] = integers((0, 255))
    size: tuple[int, int] | None = pictures.size()
    color: str = pictures.color()

    def open_with(self, root, learned):
        images = {path.stem: path for path in root.files(self.path, pictures.SUFFIXES)}
        masks = {path.stem: path for path in root.files(self.masks, pictures.SUFFIXES, "masks")}
        alone = sorted(images.keys() ^ masks.keys())
        if alone:
            path = images.get(alone[0]) or masks[alone[0]]
            raise InvalidInput([Problem("masks", f"expected a mask for each picture, but {root.name(path)} stands alone")])
        stems = sorted(images)
        stems = [stems[row] for row in self.rows(len(stems))]
        x, y = (Files.of([of[stem] for stem in stems], [root.name(of[stem]) for stem in stems]) for of in (images, masks))
        shape = pictures.shape(x, self.size, self.color, self.on_bad == "skip")
        numbers = np.full(256, -1)
        numbers[list(self.values)] = np.arange(len(self.values))

        def make(index: int) -> dict[str, np.ndarray]:
            pixels = pictures.decoded(x, index, shape, self.size is not None)
            mask = pictures.decoded(y, index, (*shape[:2], 1), self.size is not None, nearest=True)[..., 0]
            found = numbers[mask]
            if found.min() < 0:
                raise BadSample(f"{y.names[index]}: expected pixels of {', '.join(map(str, self.values))}, got {mask[found < 0][0]}")
            return {"x": pixels.astype(np.float32) / np.float32(255), "y": found}

        fields = {"x": Field(shape), "y": Field(shape[:2], True, len(self.values), 0)}
        return Lazy(fields, len(stems), make, {}, self.on_bad == "skip")
