"""images: a folder with a folder for each class, of pictures in any format that Pillow reads; decoded when asked for.

    path      the folder; FOLDER/CLASS/…/picture
    size      [height, width] that all are scaled to; left out: all must be of one size
    color     rgb or gray: 3 channels, or 1
    split, test_fraction, split_seed, stratify, on_bad: as everywhere (worker/sources/split.py)

Fields: x, (height, width, channels) from 0 to 1; y, integers (): the class, numbered by name in the training data.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import text
from bpcore.fields import Field
from worker.sources import labels, pictures
from worker.sources.lazy import Files, Lazy
from worker.sources.split import Source


@dataclass(frozen=True)
class Images(Source):
    path: str = text(wants="the path of a folder with a folder for each class, relative to the data root")
    size: tuple[int, int] | None = pictures.size()
    color: str = pictures.color()

    def open_with(self, root, learned):
        paths, names = labels.by_folder(root, self.path, pictures.SUFFIXES, may_lack=bool(learned))
        rows = self.rows(len(paths), classes=(lambda: names) if names else None)
        names = [names[row] for row in rows] if names else []
        files = Files.of([paths[row] for row in rows], [root.name(paths[row]) for row in rows])
        known = labels.classes(names, learned)
        numbers = [np.int64(known.index(name)) for name in names]
        shape = pictures.shape(files, self.size, self.color, self.on_bad == "skip")

        def make(index: int) -> dict[str, np.ndarray]:
            pixels = pictures.decoded(files, index, shape, self.size is not None)
            return {"x": pixels.astype(np.float32) / np.float32(255)} | ({"y": numbers[index]} if numbers else {})

        fields = {"x": Field(shape)} | ({"y": Field((), True, len(known), 0)} if names else {})
        return Lazy(fields, len(rows), make, {"classes": known}, self.on_bad == "skip")
