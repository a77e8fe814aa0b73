"""Layers, one a file. This page is the contract; `linear.py` is the example to copy.

1. A layer is a frozen dataclass of its attributes: it holds no arrays. Everything a call needs is in the
   Workspace, so one layer can run on many batches and many parameter vectors.
2. `forward` writes `w.y`. `backward` writes (never adds to) every gradient in `w.g` and every array of
   `w.dinputs` that is not None; sums over several readers are the model's business.
   The memory of `w.dy` is the layer's to use up.
3. Nothing depends on who computes: random numbers come from `w.rng()` alone, which is keyed by
   (seed, step, shard, layer).
4. A running statistic (batch_norm's mean) is a Parameter with a momentum: in training, backward writes
   the batch's value times the batch's size into its `g`, and the update moves the statistic towards the
   mean over the global batch, which is exact whatever the shards.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any, ClassVar, Protocol

import numpy as np

from bpcore import attributes, memory
from bpcore.initializers import INITIALIZERS, Initializer
from bpcore.registry import Registry
from bpcore.shapes import Shape


@dataclass(frozen=True)
class Parameter:
    """One array of a layer: its shape, how it starts, and the fans that its initializer scales by.

    `momentum` is None for what is trained. For a running statistic s ← s + momentum · (batch − s). `sparse`: rows
    that have no gradient in a step, and their optimizer's state, stay as they are. `by_rows`: each row is one
    unit, as a word of an embedding is; else each place of the last axis is.
    """

    shape: Shape
    initializer: Initializer
    fan_in: int = 1
    fan_out: int = 1
    momentum: float | None = None
    sparse: bool = False
    by_rows: bool = False


class Workspace:
    """What one layer sees in one call, for a batch of n samples.

    inputs, dinputs: arrays of shape (n, *input shape); y, dy: (n, *output shape). A `dinputs` entry is
    None where nobody needs it. x, dx: the first of each, for layers that have one. p, g: parameter and
    gradient views by name. training: False in evaluation. totals: sums over the global batch, for layers that
    asked for them (`whole_batch`); None where the batch at hand is the whole one. rectified: for layers with
    `rectifies`, that relu is part of the layer, whose y and dy are then those behind relu.
    """

    def __init__(self, inputs: list[np.ndarray], y: np.ndarray, dy: np.ndarray, dinputs: list[np.ndarray | None],
                 pool: dict[tuple[str, Any], np.ndarray] | None = None):
        self.inputs, self.y, self.dy, self.dinputs = inputs, y, dy, dinputs
        self.x, self.dx = inputs[0], dinputs[0]
        self.p: dict[str, np.ndarray] = {}
        self.g: dict[str, np.ndarray] = {}
        self.training = False
        self.totals: np.ndarray | None = None
        self.rectified = False
        self.rng: Callable[[], np.random.Generator]
        self._scratch: dict[str, np.ndarray] = {}
        self._pool = {} if pool is None else pool

    def scratch(self, name: str, shape: Shape, dtype: Any = None) -> np.ndarray:
        """An array kept from forward to backward and from step to step; its old content is still in it."""
        array = self._scratch.get(name)
        if array is None or array.shape != shape:
            array = self._scratch[name] = memory.zeros(shape, dtype or self.y.dtype)
        return array

    def temporary(self, name: str, shape: Shape, dtype: Any = None) -> np.ndarray:
        """An array for the rest of this call only: all layers of a model share its memory. Its content is
        undefined."""
        key, size = (name, np.dtype(dtype or self.y.dtype)), prod(shape)
        if key not in self._pool or self._pool[key].size < size:
            self._pool[key] = memory.empty((size,), key[1])
        return self._pool[key][:size].reshape(shape)


class Operators(Protocol):
    """Where a layer writes itself down in ONNX operators (worker/exports/onnx.py). Names are of tensors;
    the batch is axis 0, and channels are last, as everywhere here."""

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Adds an operator (opset 21); the name of its first output, further ones are NAME_1, NAME_2 …

        An empty input name leaves that input out.
        """

    def constant(self, array: Any) -> str:
        """The name of a constant: an array, or a list of int64."""


@dataclass(frozen=True)
class Case:
    """One input for the gradient check: a layer, the shapes of its inputs, the batch.

    `integers`: position of an integer input → how many values it takes; such inputs have no gradient.
    """

    layer: "Layer"
    inputs: tuple[Shape, ...]
    batch: int = 3
    training: bool = True
    integers: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """The base class. Attributes are declared with the functions of bpcore.attributes."""

    # Least and most inputs it takes; None means any number.
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    # Positions of inputs that are integers or yes/no values, straight from the model's inputs.
    integer_inputs: ClassVar[tuple[int, ...]] = ()
    # Parameter → the permutation of axes that turns PyTorch's array into ours, where they differ.
    torch_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    # Whether backward reads y.
    keeps_output: ClassVar[bool] = True
    # Over how many of its first inputs y may be written; backward then reads none of them.
    over_inputs: ClassVar[int] = 0
    # Over dy of how many of its first inputs the gradient may be written.
    over_gradient: ClassVar[int] = 0
    # Whether it can do the relu behind it in its own pass.
    rectifies: ClassVar[bool] = False

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of one sample's output. Raises ShapeError."""
        raise NotImplementedError

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        """Its arrays by name; {} for a layer without any."""
        return {}

    def integers_below(self, i: int) -> int | None:
        """How many values, from 0 on, its integer input i may take; None: any."""
        return None

    def forward(self, w: Workspace) -> None:
        raise NotImplementedError

    def backward(self, w: Workspace) -> None:
        raise NotImplementedError

    def ahead(self, w: Workspace) -> Iterable[Callable[[], object]]:
        """What forward does, as calls that find their arrays in `w` as it is now: in order in memory, as a plan's
        are, so that reshaping one gives a view."""
        return [partial(self.forward, w)]

    def back(self, w: Workspace) -> Iterable[Callable[[], object]]:
        """The same of backward."""
        return [partial(self.backward, w)]

    def whole_batch(self, *inputs: Shape) -> int:
        """How many sums over the whole global batch it needs before forward, and again before backward; 0
        for all layers but those that look beyond their shard (synchronised batch normalisation)."""
        return 0

    def collect(self, w: Workspace, backward: bool) -> np.ndarray:
        """This shard's part of those sums, float64 (whole_batch,). The call that follows finds the whole
        in `w.totals`."""
        raise NotImplementedError

    def onnx(self, g: Operators, inputs: Sequence[str], p: Mapping[str, np.ndarray], shapes: Sequence[Shape]) -> str | None:
        """The name of the output in evaluation, from those of the inputs. None: ONNX has no such operator.

        `shapes`: of the inputs, without the batch axis.
        """
        return None

    @classmethod
    def cases(cls) -> Iterator[Case]:
        """Inputs for the gradient check; at least one."""
        raise NotImplementedError


@dataclass(frozen=True)
class Listed(Layer):
    """A layer that gives `ahead` and `back` alone: a list of calls, each bound to its arrays once, so that in a
    small model's step nothing is looked up and nothing is wrapped."""

    def forward(self, w):
        for call in self.ahead(w):
            call()

    def backward(self, w):
        for call in self.back(w):
            call()


LAYERS: Registry[Layer] = Registry("layer", __name__, Layer)


def initializer(default: Initializer) -> Any:
    """The attribute of a layer that chooses how one of its parameters starts."""
    return attributes.component(INITIALIZERS.build, "an initializer", default)
