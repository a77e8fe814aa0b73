"""A model's layers as a directed acyclic graph, with all shapes and parameters known before any data.

1. `build` turns plain dicts into a Graph or raises InvalidInput with every problem it can see: a layer
   whose inputs are in doubt is checked for its attributes, and its shape left open.
2. Places 0 … inputs−1 are the model's inputs, the layers follow in the order of computation; a layer
   reads only earlier places.
3. This file takes no memory: arrays are model.py's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bpcore.arena import Layout, Owner
from bpcore.attributes import unknown
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.layers import LAYERS, Layer, Parameter
from bpcore.shapes import Shape, describe


@dataclass(frozen=True)
class Input:
    """One input of the model. `field`: the data's field that fills it."""

    name: str
    shape: Shape
    integer: bool
    field: str


@dataclass(frozen=True)
class Node:
    """One layer in its place. `inputs`: the places it reads. `shared`: names of its parameters that are
    another layer's → that layer's index."""

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    shape: Shape
    parameters: dict[str, Parameter]
    shared: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """The last node is the output, unless a loss names another."""

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]

    @property
    def output(self) -> Shape:
        return self.nodes[-1].shape

    def index(self, name: str) -> int | None:
        """The layer of that name; None when there is none."""
        return next((i for i, node in enumerate(self.nodes) if node.name == name), None)

    def layout(self) -> Layout:
        return Layout([_owner(node) for node in self.nodes])


def _owner(node: Node) -> Owner:
    own = {name: p for name, p in node.parameters.items() if name not in node.shared}
    return Owner(node.name, {name: p.shape for name, p in own.items()},
                 {name: p.momentum for name, p in own.items() if p.momentum is not None}, node.shared,
                 frozenset(name for name, p in own.items() if p.sparse), frozenset(name for name, p in own.items() if p.by_rows))


def build(model: Mapping[str, Any], outputs: Sequence[str] = ()) -> Graph:
    """The graph of a model: {input: shape} or {inputs: {name: {shape, integer, field}}}, and {layers: [{kind,
    attributes, name, inputs, share}, …]}. `outputs`: layers that losses read, which nothing else need read.
    """
    builder = _Builder(_inputs(model))
    if model.get("input") and model.get("inputs"):
        builder.problems.append(Problem("model.input", "expected either input or inputs, got both; leave one out"))
    layers = model.get("layers") or []
    for position, layer in enumerate(layers):
        builder.add(position, layer)
    builder.check_all_used(outputs)
    if builder.problems:
        raise InvalidInput(builder.problems)
    return Graph(tuple(builder.inputs), tuple(builder.nodes))


def _inputs(model: Mapping[str, Any]) -> list[Input]:
    named = model.get("inputs") or {"input": {"shape": model.get("input") or [], "field": "x"}}
    return [Input(name, tuple(given.get("shape") or ()), bool(given.get("integer")), given.get("field") or name)
            for name, given in sorted(named.items())]  # a protobuf map has no order of its own


class _Builder:
    """Collects nodes and problems; a node that failed is None."""

    def __init__(self, inputs: list[Input]):
        self.inputs = inputs
        self.nodes: list[Node | None] = []
        self.places = {given.name: place for place, given in enumerate(inputs)}
        self.read: set[int] = set()
        self.problems: list[Problem] = []
        self.unknown_input = False
        self.refused: set[int] = set()  # inputs without a shape
        for given in inputs:
            if not given.shape and not given.integer or min(given.shape, default=1) < 1:
                where = "model.input" if len(inputs) == 1 and given.name == "input" else f"model.inputs.{given.name}.shape"
                self.refused.add(self.places[given.name])
                self._refuse(where, expected("the shape of one sample, such as [28, 28, 1]", list(given.shape)))

    def add(self, position: int, given: Mapping[str, Any]) -> None:
        name = given.get("name") or f"{given['kind']}_{position}"
        where = f"model.layers[{position}]"
        if name in self.places:
            self._refuse(f"{where}.name", expected("a name no other layer has", name))
        inputs = self._read(where, given.get("inputs") or [])
        node = self._node(where, name, given, inputs)
        self.places.setdefault(name, len(self.inputs) + position)
        self.nodes.append(node)

    def _read(self, where: str, names: Sequence[str]) -> tuple[int, ...] | None:
        """The places read; None when one is not known."""
        if not names:  # the place before; for the first layer the only input
            if not self.nodes and len(self.inputs) > 1:
                self._refuse(f"{where}.inputs", f"expected names of the model's inputs, as there are several: {', '.join(self.places)}")
            found = [len(self.inputs) + len(self.nodes) - 1 if self.nodes else 0]
        else:
            missing = [name for name in names if name not in self.places]
            for name in missing:
                self._refuse(f"{where}.inputs", unknown(name, self.places, "earlier layer"))
            found = [self.places[name] for name in names if name in self.places]
            self.unknown_input |= bool(missing)
        self.read.update(found)
        return tuple(found) if len(found) == len(names or found) else None

    def _node(self, where: str, name: str, given: Mapping[str, Any], inputs: tuple[int, ...] | None) -> Node | None:
        try:
            layer = LAYERS.build({"kind": given["kind"], "attributes": given.get("attributes") or {}})
        except InvalidInput as error:
            self.problems += [problem.under(where) for problem in error.problems]
            return None
        shapes = [self._shape(place) for place in inputs or ()]
        if inputs is None or None in shapes:
            return None
        inside = f"{where}.{given['kind']}"
        if not self._takes(inside, layer, inputs):
            return None
        try:
            node = Node(name, layer, inputs, layer.output_shape(*shapes), layer.parameters(*shapes))
        except InvalidInput as error:
            came = " and ".join(f"{describe(shape)} from {self._name(place)}" for place, shape in zip(inputs, shapes))
            self.problems += [problem.under(inside) for problem in
                              (Problem(problem.field, f"{problem.message}; its input is {came}") for problem in error.problems)]
            return None
        return self._share(where, node, given.get("share") or "")

    def _takes(self, where: str, layer: Layer, inputs: tuple[int, ...]) -> bool:
        """Whether number and kinds of the inputs fit."""
        least, most = layer.arity
        if len(inputs) < least or most is not None and len(inputs) > most:
            wants = f"{least} or more inputs" if most is None else f"{least} input(s)" if least == most else f"{least} to {most} inputs"
            self._refuse(where, expected(wants, len(inputs), "inputs: [...] names them"))
            return False
        wanted = {i + len(inputs) if i < 0 else i for i in layer.integer_inputs}
        for i, place in enumerate(inputs):
            integer = place < len(self.inputs) and self.inputs[place].integer
            if integer != (i in wanted):
                wants = "integers, from one of the model's inputs with integer: true" if not integer else "numbers, not integers"
                self._refuse(where, f"expected {wants}, as input {i + 1}, got {self._name(place)}")
                return False
        return True

    def _share(self, where: str, node: Node, source: str) -> Node | None:
        """The node with its parameters replaced by those of the layer named `source` that have their names, or
        by one of them alone: LAYER.PARAMETER."""
        if not source:
            return node
        only = ""
        if source not in self.places and "." in source:
            source, _, only = source.rpartition(".")
        index = next((i for i, other in enumerate(self.nodes) if other and other.name == source), None)
        owner = None if index is None else self.nodes[index]
        if owner is None:
            self._refuse(f"{where}.share", unknown(source, [other.name for other in self.nodes if other], "earlier layer"))
            return None
        common = [name for name in node.parameters if name in owner.parameters and only in ("", name)]
        for name in common:
            if node.parameters[name].shape != owner.parameters[name].shape:
                self._refuse(f"{where}.share", expected(f'"{name}" of {describe(owner.parameters[name].shape)}, as {source} has it',
                                                        describe(node.parameters[name].shape)))
                return None
        if not common:
            self._refuse(f"{where}.share", f'expected a layer with parameters of the same names, got "{source}", which has none')
        return Node(node.name, node.layer, node.inputs, node.shape, node.parameters,
                    {name: owner.shared.get(name, index) for name in common})

    def check_all_used(self, outputs: Sequence[str]) -> None:
        """Every layer but the outputs must be read, or it would train nothing; and where all else is well, every
        input. An empty name: the last layer."""
        if not self.nodes:
            self._refuse("model.layers", "expected at least one layer, got none")
        unread = [given.name for place, given in enumerate(self.inputs) if place not in self.read]
        if self.unknown_input or any(name and name not in self.places for name in outputs):
            return  # the layer that is not read may be the one that was meant
        last = len(self.inputs) + len(self.nodes) - 1
        wanted = {self.places[name] if name else last for name in outputs} or {last}
        for name, place in self.places.items():
            position = place - len(self.inputs)
            if 0 <= position and place not in self.read | wanted:
                self._refuse(f"model.layers[{position}]", f'expected another layer to read "{name}", but none does')
        for name in unread if not self.problems else ():
            self._refuse(f"model.inputs.{name}", f'expected a layer to read "{name}", but none does')

    def _shape(self, place: int) -> Shape | None:
        if place < len(self.inputs):
            return None if place in self.refused else self.inputs[place].shape
        node = self.nodes[place - len(self.inputs)]
        return node.shape if node else None

    def _name(self, place: int) -> str:
        if place >= len(self.inputs):
            return self.nodes[place - len(self.inputs)].name
        return "the model's input" if len(self.inputs) == 1 else f"the model's input {self.inputs[place].name}"

    def _refuse(self, field: str, message: str) -> None:
        self.problems.append(Problem(field, message))
