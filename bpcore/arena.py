"""All parameters of a model in one flat vector.

1. A Layout says where each parameter lies; it is fixed before any memory is taken.
2. A Vector is one flat array (parameters, a gradient, one piece of optimizer state) with a named view
   of each parameter. Views share the flat array's memory, always; shared parameters are one place with
   several names.
3. Every parameter starts on a 64-byte line of memory; the gaps are zero and stay zero.
4. Running statistics lie behind all that is trained: so what is updated by one rule lies together.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from bpcore.shapes import Shape

LINE = 16  # numbers; 64 bytes in float32


@dataclass(frozen=True)
class Slot:
    """Where one parameter lies. `momentum`: of a running statistic; None for what is trained. `sparse`: rows
    without a gradient are left alone. `by_rows`: a row is one unit."""

    node: int
    node_name: str
    name: str
    offset: int
    shape: Shape
    momentum: float | None = None
    sparse: bool = False
    by_rows: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.node_name}.{self.name}"

    @property
    def place(self) -> slice:
        return slice(self.offset, self.offset + prod(self.shape))


@dataclass(frozen=True)
class Owner:
    """What one node brings: its name, its parameters' shapes, the momenta of its statistics, which of its names
    stand for another node's parameter (name → node), which are sparse, and whose rows are units."""

    name: str
    shapes: Mapping[str, Shape]
    momenta: Mapping[str, float] = field(default_factory=dict)
    shared: Mapping[str, int] = field(default_factory=dict)
    sparse: frozenset[str] = frozenset()
    by_rows: frozenset[str] = frozenset()


class Layout:
    """The places of all parameters; `size` numbers, gaps included."""

    def __init__(self, owners: Sequence[Owner]):
        self.owners = list(owners)
        self.slots: list[Slot] = []
        self.size = 0
        all_shapes = [(node, owner, name, shape) for node, owner in enumerate(owners) for name, shape in owner.shapes.items()]
        for node, owner, name, shape in sorted(all_shapes, key=lambda one: one[2] in one[1].momenta):
            self.slots.append(Slot(node, owner.name, name, self.size, shape, owner.momenta.get(name), name in owner.sparse,
                                   name in owner.by_rows))
            self.size += -(-prod(shape) // LINE) * LINE

    @property
    def count(self) -> int:
        """Trainable numbers, gaps not included."""
        return sum(prod(slot.shape) for slot in self.slots if slot.momentum is None)

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
        self.nodes: list[dict[str, np.ndarray]] = [{} for _ in layout.owners]
        for slot in layout.slots:
            self.nodes[slot.node][slot.name] = flat[slot.place].reshape(slot.shape)
        for node, owner in enumerate(layout.owners):
            for name, source in owner.shared.items():
                self.nodes[node][name] = self.nodes[source][name]

    def named(self) -> dict[str, np.ndarray]:
        """`node.parameter` → view, in the order of nodes."""
        slots = sorted(self.layout.slots, key=lambda slot: slot.node)
        return {slot.full_name: self.nodes[slot.node][slot.name] for slot in slots}

    def digest(self) -> str:
        """SHA-256 over names, shapes and little-endian bits: equal digests mean equal parameters."""
        sha = hashlib.sha256()
        for name, view in self.named().items():
            sha.update(f"{name}{view.shape}{view.dtype.name}".encode())
            sha.update(np.ascontiguousarray(view, view.dtype.newbyteorder("<")).reshape(-1))
        return sha.hexdigest()
