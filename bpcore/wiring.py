"""Which buffer holds which gradient, going backward.

1. The first to write an output's gradient writes it in place; every further one writes beside it, and is added.
2. A gradient's memory is free again once its own layer's backward is done; the next one takes the smallest that fits.
3. A layer that may writes one input's gradient over that of its output (`over_gradient`).
"""

from collections.abc import Sequence

import numpy as np

from bpcore import memory
from bpcore.graph import Graph, Node


class Wiring:
    """`heads`: the gradient of each output that a loss reads; `dys`, `dinputs`: of each node's output and inputs; `sums`: what is
    to be added behind a node's backward, (total, part). `apart`: each in memory of its own."""

    def __init__(self, graph: Graph, heads: set[int], ys: Sequence[np.ndarray], input_gradients: Sequence[np.ndarray | None],
                 apart: bool):
        self._ys, self._first, self._apart = ys, len(input_gradients), apart
        self._free: list[np.ndarray] = []
        self._live: dict[int, np.ndarray | None] = dict(enumerate(input_gradients))
        self._written: set[int] = set()
        self.heads = {output: self._gradient(self._first + output) for output in heads}
        count = len(graph.nodes)
        self.dys: list[np.ndarray] = [None] * count
        self.dinputs: list[list[np.ndarray | None]] = [[] for _ in range(count)]
        self.sums: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(count)]
        for position in reversed(range(count)):
            self._wire(position, graph.nodes[position])

    def _wire(self, position: int, node: Node) -> None:
        place = self._first + position
        self.dys[position] = self._gradient(place) if place not in self._live else self._live[place]
        over = () if self._apart else node.inputs[:node.layer.over_gradient]
        guest = next((source for source in over if source not in self._live), None)
        if guest is not None:
            self._live[guest] = self.dys[position].reshape(self._ys[guest].shape)
        for source in node.inputs:
            written = source in self._written
            dy = self._gradient(source)
            if dy is not None and written:
                self.sums[position].append((dy, self._take(self._ys[source])))
                dy = self.sums[position][-1][1]
            self.dinputs[position].append(dy)
        for _, part in self.sums[position]:
            self._free.append(part)
        if guest is None:
            self._free.append(self.dys[position])
        del self._live[place]

    def _gradient(self, place: int) -> np.ndarray | None:
        """The buffer of one output's gradient."""
        if place not in self._live:
            self._live[place] = self._take(self._ys[place])
        self._written.add(place)
        return self._live[place]

    def _take(self, like: np.ndarray) -> np.ndarray:
        """Memory of that size: the smallest free buffer that holds it, else a new one."""
        fits = [i for i, free in enumerate(self._free) if _whole(free).size >= like.size]
        if not fits:
            return memory.zeros(like.shape, like.dtype)
        best = min(fits, key=lambda i: _whole(self._free[i]).size)
        return _whole(self._free.pop(best))[:like.size].reshape(like.shape)


def _whole(array: np.ndarray) -> np.ndarray:
    """The flat array that a buffer was cut from."""
    raw = array
    while raw.base is not None:
        raw = raw.base
    return memory.on_a_line(raw, array.dtype)
