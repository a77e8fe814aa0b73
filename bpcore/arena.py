"""All parameters of a model in one flat vector.

1. A Layout says where each parameter lies; it is fixed before any memory is taken.
2. A Vector is one flat array (parameters, a gradient, one piece of optimizer state) with a named view
   of each parameter. Views share the flat array's memory, always.
3. Every parameter starts on a 64-byte line of memory; the gaps are zero and stay zero.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from bpcore.shapes import Shape

LINE = 16  # numbers; 64 bytes in float32


@dataclass(frozen=True)
class Slot:
    """Where one parameter lies."""

    node: int
    node_name: str
    name: str
    offset: int
    shape: Shape

    @property
    def full_name(self) -> str:
        return f"{self.node_name}.{self.name}"


class Layout:
    """The places of all parameters; `size` numbers, gaps included."""

    def __init__(self, parameters: Sequence[tuple[str, dict[str, Shape]]]):
        """`parameters`: for each node its name and the shapes of its parameters, in order."""
        self.nodes = len(parameters)
        self.slots: list[Slot] = []
        self.size = 0
        for node, (node_name, shapes) in enumerate(parameters):
            for name, shape in shapes.items():
                self.slots.append(Slot(node, node_name, name, self.size, shape))
                self.size += -(-prod(shape) // LINE) * LINE

    @property
    def count(self) -> int:
        """Trainable numbers, gaps not included."""
        return sum(prod(slot.shape) for slot in self.slots)

    def zeros(self, dtype: np.dtype | type = np.float32) -> "Vector":
        raw = np.zeros(self.size + LINE, dtype)
        skip = -raw.ctypes.data // raw.itemsize % LINE
        return Vector(self, raw[skip:skip + self.size])


class Vector:
    """One flat array laid out by a Layout.

    `flat`: shape (layout.size,). `nodes[i][name]`: the view of that parameter of node i.
    """

    def __init__(self, layout: Layout, flat: np.ndarray):
        self.layout, self.flat = layout, flat
        self.nodes: list[dict[str, np.ndarray]] = [{} for _ in range(layout.nodes)]
        for slot in layout.slots:
            view = flat[slot.offset:slot.offset + prod(slot.shape)].reshape(slot.shape)
            self.nodes[slot.node][slot.name] = view

    def named(self) -> dict[str, np.ndarray]:
        """`node.parameter` → view, in layout order."""
        return {slot.full_name: self.nodes[slot.node][slot.name] for slot in self.layout.slots}

    def digest(self) -> str:
        """SHA-256 over names, shapes and little-endian bits: equal digests mean equal parameters."""
        sha = hashlib.sha256()
        for name, view in self.named().items():
            sha.update(f"{name}{view.shape}{view.dtype.name}".encode())
            sha.update(np.ascontiguousarray(view, view.dtype.newbyteorder("<")).tobytes())
        return sha.hexdigest()
