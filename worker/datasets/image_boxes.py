"""image_boxes: pictures with boxes around things, on a grid, as a detector learns them; decoded when asked for.

    path      a folder of pictures
    boxes     a file of lines: picture (relative to the folder), tab, class, tab, left, tab, top, tab, width, tab, height, in
              pixels; pictures without a line have no box
    grid      [rows, columns] that a picture is divided into; a box belongs to the cell that its middle is in, and of
              several in one cell the largest is kept
    size      [height, width] that all are scaled to; left out: all must be of one size
    color     rgb or gray: 3 channels, or 1
    split, test_fraction, split_seed, on_bad: as everywhere (worker/sources/split.py)

Fields: x, (height, width, channels) from 0 to 1; class, integers (rows, columns), 0 where there is nothing, then by name as
the training part has them; box, (rows, columns, 4): the middle down and across, from 0 to 1 in its cell, height and width,
from 0 to 1 of the picture's; mask, integers (rows, columns), 1 where a box is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import pair, text
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.datasets import DataRoot
from worker.errors import BadSample
from worker.sources import labels, pictures
from worker.sources.lazy import Files, Lazy
from worker.sources.split import Source

Box = tuple[str, float, float, float, float]  # class, left, top, width, height


@dataclass(frozen=True)
class ImageBoxes(Source):
    path: str = text(wants="the path of a folder of pictures, relative to the data root")
    boxes: str = text(wants="the path of a file, relative to the data root")
    grid: tuple[int, int] = pair()
    size: tuple[int, int] | None = pictures.size()
    color: str = pictures.color()

    def open_with(self, root, learned):
        paths = root.files(self.path, pictures.SUFFIXES)
        names, boxes = [root.name(path) for path in paths], self._boxes(root)
        strange = sorted(boxes.keys() - set(names))
        if strange:
            raise InvalidInput([Problem("boxes", f'{self.boxes}: expected pictures of the folder, but "{strange[0]}" is not there')])
        rows = self.rows(len(paths))
        files = Files.of([paths[row] for row in rows], [names[row] for row in rows])
        inside = [boxes.get(name, []) for name in files.names]
        known = labels.classes([box[0] for some in inside for box in some], learned)
        shape = pictures.shape(files, self.size, self.color, self.on_bad == "skip")

        def make(index: int) -> dict[str, np.ndarray]:
            pixels = pictures.decoded(files, index, shape, self.size is not None)
            original = pictures.original(files, index)
            for _, *edges in inside[index]:
                _require_inside(files.names[index], edges, original)
            return {"x": pixels.astype(np.float32) / np.float32(255)} | self._cells(inside[index], known, original)

        fields = {"x": Field(shape), "class": Field(self.grid, True, len(known) + 1, 0), "box": Field((*self.grid, 4)),
                  "mask": Field(self.grid, True, 2, 0)}
        return Lazy(fields, len(rows), make, {"classes": known}, self.on_bad == "skip")

    def _boxes(self, root: DataRoot) -> dict[str, list[Box]]:
        """Name of a picture → what is in it. Raises InvalidInput, naming the line."""
        folder, found = root.name(root.folder(self.path)), {}
        for number, line in enumerate(root.file(self.boxes, "boxes").read_text().splitlines(), 1):
            try:
                name, kind, *edges = line.split("\t")
                left, top, width, height = map(float, edges)
                if width <= 0 or height <= 0 or left < 0 or top < 0:
                    raise ValueError
            except ValueError:
                raise InvalidInput([Problem("boxes", f"{self.boxes}, line {number}: "
                                            + expected("picture, class, left, top, width, height, with tabs between them", line))]) from None
            found.setdefault(f"{folder}/{name}", []).append((kind, left, top, width, height))
        return found

    def _cells(self, boxes: Sequence[Box], known: Sequence[str], original: tuple[int, int]) -> dict[str, np.ndarray]:
        kinds, edges = np.zeros(self.grid, np.int64), np.zeros((*self.grid, 4), np.float32)
        for kind, left, top, width, height in sorted(boxes, key=lambda box: box[3] * box[4]):  # the largest stays
            size = np.array([height / original[0], width / original[1]])
            middle = np.array([top / original[0], left / original[1]]) + size / 2
            place = np.minimum((middle * self.grid).astype(int), np.array(self.grid) - 1)
            kinds[tuple(place)] = 1 + known.index(kind)
            edges[tuple(place)] = [*(middle * self.grid - place), *size]
        return {"class": kinds, "box": edges, "mask": (kinds > 0).astype(np.int64)}


def _require_inside(name: str, edges: Sequence[float], original: tuple[int, int]) -> None:
    """Raises BadSample for a box whose middle is not in its picture."""
    left, top, width, height = edges
    if top + height / 2 > original[0] or left + width / 2 > original[1]:
        raise BadSample(f"{name}: " + expected(f"boxes whose middle is in the picture, {original[1]} wide and {original[0]} high",
                                               f"(left {left:g}, top {top:g}, width {width:g}, height {height:g})"))
