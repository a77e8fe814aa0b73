"""Layers, one a file. This page is the contract; `linear.py` is the example to copy.

1. A layer is a frozen dataclass of its attributes: it holds no arrays. Everything a call needs is in the
   Workspace, so one layer can run on many batches and many parameter vectors.
2. `forward` writes `w.y`. `backward` writes (never adds to) every gradient in `w.g` and every array of
   `w.dinputs` that is not None; sums over several readers are the model's business.
3. Nothing depends on who computes: random numbers come from `w.rng()` alone, which is keyed by
   (seed, step, shard, layer).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcore import attributes
from bpcore.initializers import INITIALIZERS, Initializer
from bpcore.registry import Registry
from bpcore.shapes import Shape


@dataclass(frozen=True)
class Parameter:
    """One trainable array: its shape, how it starts, and the fans that its initializer scales by."""

    shape: Shape
    initializer: Initializer
    fan_in: int = 1
    fan_out: int = 1


class Workspace:
    """What one layer sees in one call, for a batch of n samples.

    inputs, dinputs: arrays of shape (n, *input shape); y, dy: (n, *output shape). A `dinputs` entry is
    None where nobody needs it. x, dx: the first of each, for layers that have one. p, g: parameter and gradient views by name. training: False in evaluation.
    """

    def __init__(self, inputs: list[np.ndarray], y: np.ndarray, dy: np.ndarray, dinputs: list[np.ndarray | None]):
        self.inputs, self.y, self.dy, self.dinputs = inputs, y, dy, dinputs
        self.x, self.dx = inputs[0], dinputs[0]
        self.p: dict[str, np.ndarray] = {}
        self.g: dict[str, np.ndarray] = {}
        self.training = False
        self.rng: Callable[[], np.random.Generator]
        self._scratch: dict[str, np.ndarray] = {}

    def scratch(self, name: str, shape: Shape, dtype: Any = None) -> np.ndarray:
        """An array kept from forward to backward and from step to step; its old content is still in it."""
        array = self._scratch.get(name)
        if array is None or array.shape != shape:
            array = self._scratch[name] = np.zeros(shape, dtype or self.y.dtype)
        return array


@dataclass(frozen=True)
class Case:
    """One input for the gradient check: a layer, the shapes of its inputs, the batch."""

    layer: "Layer"
    inputs: tuple[Shape, ...]
    batch: int = 3
    training: bool = True


@dataclass(frozen=True)
class Layer:
    """The base class. Attributes are declared with the functions of bpcore.attributes."""

    # How many inputs it takes; None means two or more.
    arity: ClassVar[int | None] = 1

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of one sample's output. Raises ShapeError."""
        raise NotImplementedError

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        """Trainable arrays by name; {} for a layer without any."""
        return {}

    def forward(self, w: Workspace) -> None:
        raise NotImplementedError

    def backward(self, w: Workspace) -> None:
        raise NotImplementedError

    @classmethod
    def cases(cls) -> Iterator[Case]:
        """Inputs for the gradient check; at least one."""
        raise NotImplementedError


LAYERS: Registry[Layer] = Registry("layer", __name__, Layer)


def initializer(default: Initializer) -> Any:
    """The attribute of a layer that chooses how one of its parameters starts."""
    return attributes.component(INITIALIZERS.build, "an initializer", default)
