"""A model's layers as a directed acyclic graph, with all shapes and parameters known before any data.

1. `build` turns plain dicts into a Graph or raises InvalidInput with every problem it can see: a layer
   whose inputs are in doubt is checked for its attributes, and its shape left open.
2. Nodes stand in the order of computation; a node reads only earlier ones. INPUT is the model's input.
3. This file takes no memory: arrays are model.py's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bpcore.arena import Layout
from bpcore.attributes import unknown
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.layers import LAYERS, Layer, Parameter
from bpcore.shapes import Shape, describe

INPUT = -1


@dataclass(frozen=True)
class Node:
    """One layer in its place. `inputs`: positions of the nodes it reads, or INPUT."""

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape
    parameters: dict[str, Parameter]


@dataclass(frozen=True)
class Graph:
    """`input`: shape of one sample. The last node is the output."""

    input: Shape
    nodes: tuple[Node, ...]

    @property
    def output(self) -> Shape:
        return self.nodes[-1].shape

    def layout(self) -> Layout:
        return Layout([(node.name, {name: p.shape for name, p in node.parameters.items()}) for node in self.nodes])

    def shape(self, position: int) -> Shape:
        return self.input if position == INPUT else self.nodes[position].shape


def build(input_shape: Sequence[int], layers: Sequence[Mapping[str, Any]]) -> Graph:
    """The graph of `layers`: dicts with `kind` and optionally `attributes`, `name`, `inputs`."""
    builder = _Builder(input_shape)
    for position, layer in enumerate(layers):
        builder.add(position, layer)
    builder.check_all_used()
    if builder.problems:
        raise InvalidInput(builder.problems)
    return Graph(tuple(input_shape), tuple(builder.nodes))


class _Builder:
    """Collects nodes and problems; a node that failed is None."""

    def __init__(self, input_shape: Sequence[int]):
        self.nodes: list[Node | None] = []
        self.positions = {"input": INPUT}
        self.read: set[int] = set()
        self.problems: list[Problem] = []
        self.unknown_input = False
        self.input: Shape | None = tuple(input_shape)
        if not input_shape or min(input_shape) < 1:
            self.input = None
            self._refuse("model.input", expected("the shape of one sample, such as [28, 28, 1]", list(input_shape)))

    def add(self, position: int, given: Mapping[str, Any]) -> None:
        name = given.get("name") or f"{given['kind']}_{position}"
        where = f"model.layers[{position}]"
        if name in self.positions:
            self._refuse(f"{where}.name", expected("a name no other layer has", name))
        inputs = self._inputs(where, position, given.get("inputs") or [])
        self.positions.setdefault(name, position)
        self.nodes.append(self._node(where, name, given, inputs))

    def _inputs(self, where: str, position: int, names: Sequence[str]) -> tuple[int, ...] | None:
        """Positions of the layers read; None when one is not known."""
        if not names:
            found = [position - 1]  # for the first layer this is INPUT
        else:
            missing = [name for name in names if name not in self.positions]
            for name in missing:
                self._refuse(f"{where}.inputs", unknown(name, self.positions, "earlier layer"))
            found = [self.positions[name] for name in names if name in self.positions]
            self.unknown_input |= bool(missing)
        self.read.update(found)
        return tuple(found) if len(found) == len(names or found) else None

    def _node(self, where: str, name: str, given: Mapping[str, Any], inputs: tuple[int, ...] | None) -> Node | None:
        try:
            layer = LAYERS.build({"kind": given["kind"], "attributes": given.get("attributes") or {}})
        except InvalidInput as error:
            self.problems += [problem.under(where) for problem in error.problems]
            return None
        shapes = [self._shape(i) for i in inputs or ()]
        if inputs is None or None in shapes:
            return None
        where = f"{where}.{given['kind']}"
        wanted = layer.arity or max(2, len(inputs))
        if len(inputs) != wanted:
            self._refuse(where, expected("two or more inputs" if layer.arity is None else f"{wanted} input(s)",
                                         len(inputs), "inputs: [...] names them"))
            return None
        try:
            return Node(name, layer, inputs, layer.output_shape(*shapes), layer.parameters(*shapes))
        except InvalidInput as error:
            came = " and ".join(f"{describe(shape)} from {self._name(i)}" for i, shape in zip(inputs, shapes))
            self.problems += [Problem(where, f"{problem.message}; its input is {came}") for problem in error.problems]
            return None

    def check_all_used(self) -> None:
        """Every layer but the last must be read, or it would train nothing."""
        if not self.nodes:
            self._refuse("model.layers", "expected at least one layer, got none")
        if self.unknown_input:  # the layer that is not read may be the one that was meant
            return
        for name, position in self.positions.items():
            if INPUT < position < len(self.nodes) - 1 and position not in self.read:
                self._refuse(f"model.layers[{position}]", f'expected another layer to read "{name}", but none does')

    def _shape(self, position: int) -> Shape | None:
        if position == INPUT:
            return self.input
        node = self.nodes[position]
        return node.shape if node else None

    def _name(self, position: int) -> str:
        return "the model's input" if position == INPUT else self.nodes[position].name

    def _refuse(self, field: str, message: str) -> None:
        self.problems.append(Problem(field, message))
