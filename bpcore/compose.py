"""Layers inside a layer.

1. An inner layer sees a Workspace like any other; its memory, parameters and random numbers are the outer
   one's, under the inner layer's name: `name.weight`.
2. What stands between the layers of a chain is kept from forward to backward; its gradients take turns in
   two buffers, since each lives from one layer's backward to the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from bpcore import rng
from bpcore.layers import Layer, Operators, Parameter, Workspace
from bpcore.shapes import Shape


class Inner(Workspace):
    """The workspace of the layer `name` inside another one; made anew for every call.

    Without a name it has the outer one's parameters. Its random numbers are a stream of its own, which the
    outer stream and the name decide.
    """

    def __init__(self, outer: Workspace, name: str, inputs: list[np.ndarray], y: np.ndarray, dy: np.ndarray | None = None,
                 dinputs: list[np.ndarray | None] | None = None):
        super().__init__(inputs, y, dy, dinputs or [None] * len(inputs))
        self._outer, self._name = outer, f"{name}." if name else ""
        self.p, self.g = _under(outer.p, self._name), _under(outer.g, self._name)
        self.training, self.totals = outer.training, outer.totals
        self.rng = lambda: rng.stream(int(outer.rng().bit_generator.random_raw()), rng.LAYER, crc32(name.encode()))

    def scratch(self, name, shape, dtype=None):
        return self._outer.scratch(self._name + name, shape, dtype or self.y.dtype)

    def temporary(self, name, shape, dtype=None):
        return self._outer.temporary(name, shape, dtype or self.y.dtype)


def _under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class Chain:
    """Layers by name, each reading the one before; those that take several inputs also read `sides`, which
    need no gradient. Shapes are one sample's, arrays are for n."""

    layers: Mapping[str, Layer]

    def shapes(self, x: Shape, *sides: Shape) -> list[Shape]:
        """What each layer reads from the one before, and the output. Raises ShapeError."""
        shapes = [x]
        for layer in self.layers.values():
            shapes.append(layer.output_shape(shapes[-1], *_sides(layer, sides)))
        return shapes

    def parameters(self, x: Shape, *sides: Shape) -> dict[str, Parameter]:
        return {f"{name}.{own}": parameter for (name, layer), shape in zip(self.layers.items(), self.shapes(x, *sides))
                for own, parameter in layer.parameters(shape, *_sides(layer, sides)).items()}

    def torch_axes(self) -> dict[str, tuple[int, ...]]:
        return {f"{name}.{own}": axes for name, layer in self.layers.items() for own, axes in layer.torch_axes.items()}

    def forward(self, w: Workspace, x: np.ndarray, y: np.ndarray, *sides: np.ndarray) -> None:
        """From x to y, inside the layer that `w` is of."""
        for name, layer, inputs, out in self._steps(w, x, y, sides):
            layer.forward(Inner(w, name, inputs, out))

    def backward(self, w: Workspace, x: np.ndarray, y: np.ndarray, dy: np.ndarray, dx: np.ndarray | None,
                 *sides: np.ndarray) -> None:
        """From dy to dx, after forward."""
        for i, (name, layer, inputs, out) in reversed(list(enumerate(self._steps(w, x, y, sides)))):
            dinput = w.temporary(f"chain {i % 2}", inputs[0].shape) if i else dx
            layer.backward(Inner(w, name, inputs, out, dy, [dinput] + [None] * (len(inputs) - 1)))
            dy = dinput

    def onnx(self, g: Operators, x: str, p: Mapping[str, np.ndarray], shape: Shape, *sides: tuple[str, Shape]) -> str | None:
        """As Layer.onnx; sides: names and shapes."""
        shapes = self.shapes(shape, *(side for _, side in sides))
        for (name, layer), shape in zip(self.layers.items(), shapes):
            more = _sides(layer, sides)
            x = layer.onnx(g, [x, *(side for side, _ in more)], _under(p, f"{name}."), [shape, *(side for _, side in more)])
            if x is None:
                return None
        return x

    def _steps(self, w: Workspace, x: np.ndarray, y: np.ndarray, sides: Sequence[np.ndarray]):
        """(name, layer, its inputs, its output) in order."""
        shapes = self.shapes(x.shape[1:], *(side.shape[1:] for side in sides))
        for i, (name, layer) in enumerate(self.layers.items()):
            out = y if i == len(self.layers) - 1 else w.scratch(f"{name}: output", (len(x), *shapes[i + 1]))
            yield name, layer, [x, *_sides(layer, sides)], out
            x = out


def _sides(layer: Layer, sides: Sequence) -> Sequence:
    return sides if layer.arity[1] != 1 else ()
