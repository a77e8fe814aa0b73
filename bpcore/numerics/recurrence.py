"""What rnn, gru and lstm share: levels, directions, masks, truncation, and all products outside of time.

1. What does not wait for the step before is one matrix product over all steps: the inputs' share of the
   gates ahead of the loop, the weights' gradients behind it. Only the state's share is inside, and its weight is
   laid out once for all steps.
2. Arrays have time first, (time, n, …), so that a step is one block of memory.
3. This file knows no formula: `step` and `step_back` of the cell's own file do, and kernels/cells.py.

At a step whose mask is 0 the state stays as it is and the output is zero, as behind a packed sequence's
end in PyTorch. Truncation cuts the way back between every `truncation` steps, counted in the order of
the pass (Williams & Peng, "An efficient gradient-based algorithm for on-line training of recurrent
network trajectories", Neural Computation 2, 1990). Every batch starts from a zero state.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import flag, integer, number
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.orthogonal import Orthogonal
from bpcore.initializers.xavier_uniform import XavierUniform
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Layer, Parameter, Workspace, initializer
from bpcore.numerics.products import Laid, multiply
from bpcore.numerics.sums import channel_sums
from bpcore.shapes import describe, require_axes


class Pass:
    """One level in one direction, in one call.

    steps: time in the order of the pass. columns: its part of the level's outputs.
    gates: (time, n, gates · units): the inputs' share, from its step on what the cell keeps there, after
    the way back the gradient of that share. recurrent: the same for the state's share; it is `gates`
    itself for cells that only add the two. kept: (time, n, units), for cells that keep more.
    now, before: for each state its values (time, n, units) after a step, and those the step starts from.
    gradients: (n, units) of each state, on the way back.
    p, g: the weights by their short names.
    """

    def __init__(self, layer: "Recurrent", w: Workspace, level: int, backwards: bool):
        n, length = w.x.shape[:2]
        suffix, width = _suffix(level, backwards), layer.gates * layer.units
        self.steps = range(length)[::-1] if backwards else range(length)
        self.columns = slice(layer.units, None) if backwards else slice(0, layer.units)
        self.gates = w.scratch("gates" + suffix, (length, n, width))
        self.recurrent = w.scratch("recurrent" + suffix, (length, n, width)) if layer.separate else self.gates
        self.kept = w.scratch("kept" + suffix, (length, n, layer.units)) if layer.keeps else None
        states = [w.scratch(f"state_{i}{suffix}", (length + 1, n, layer.units)) for i in range(layer.states)]
        self.now = [state[:-1] if backwards else state[1:] for state in states]
        self.before = [state[1:] if backwards else state[:-1] for state in states]
        self.gradients = [w.temporary(f"state gradient {i}", (n, layer.units)) for i in range(layer.states)]
        self.p, self.g = _short(w.p, suffix), _short(w.g, suffix)


@dataclass(frozen=True)
class Recurrent(Layer):
    """The base of the three; `gates`, `states`, `separate` and `keeps` say which arrays a Pass has."""

    arity = (1, 2)
    integer_inputs = (1,)
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1
    separate: ClassVar[bool] = False
    keeps: ClassVar[bool] = False

    units: int = integer(minimum=1)
    layers: int = integer(1, minimum=1)
    bidirectional: bool = flag(False)
    return_sequences: bool = flag(False)
    truncation: int = integer(0)
    dropout: float = number(0.0, minimum=0, below=1)
    bias: bool = flag(True)
    weight_initializer: Initializer = initializer(XavierUniform())
    recurrent_initializer: Initializer = initializer(Orthogonal())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x, mask=None):
        require_axes(x, "time", "features")
        if mask is not None and mask != x[:1]:
            raise ShapeError(expected(f"a mask of {describe(x[:1])}, a 0 or 1 for each step", describe(mask)))
        return (x[0], self._width) if self.return_sequences else (self._width,)

    def parameters(self, x, mask=None):
        own = {}
        for level in range(self.layers):
            for backwards in self._directions:
                found = self.level_parameters(x[1] if level == 0 else self._width)
                own |= {name + _suffix(level, backwards): parameter for name, parameter in found.items()}
        return own

    def level_parameters(self, features: int) -> dict[str, Parameter]:
        """Of one level in one direction, by their short names."""
        width = self.gates * self.units
        weights = {"weight_ih": Parameter((features, width), self.weight_initializer, features, self.units),
                   "weight_hh": Parameter((self.units, width), self.recurrent_initializer, self.units, self.units)}
        biases = {name: Parameter((width,), self.bias_initializer) for name in ("bias_ih", "bias_hh")}
        return weights | biases if self.bias else weights

    @property
    def torch_axes(self) -> Mapping[str, tuple[int, ...]]:
        return {name + _suffix(level, backwards): (1, 0) for level in range(self.layers)
                for backwards in self._directions for name in ("weight_ih", "weight_hh")}

    def by_level(self, p: Mapping[str, np.ndarray]) -> list[list[dict[str, np.ndarray]]]:
        """For each level the weights of its directions, by their short names."""
        return [[_short(p, _suffix(level, backwards)) for backwards in self._directions] for level in range(self.layers)]

    def step(self, k: Pass, t: int) -> None:
        """From k.gates[t], k.recurrent[t] and k.before[·][t] to k.now[·][t]."""
        raise NotImplementedError

    def step_back(self, k: Pass, t: int) -> None:
        """From k.gradients after the step to k.gates[t] and k.recurrent[t], and to what of k.gradients before it does not come
        through the product with the state: nothing of the first one, unless `separate`."""
        raise NotImplementedError

    def forward(self, w):
        valid, random = _valid(w), w.rng() if w.training and self.dropout else None
        self._inputs(w, 0)[...] = w.x.swapaxes(0, 1)
        if valid is not None:  # whatever stands there must not be able to spoil a product
            np.copyto(self._inputs(w, 0), 0, where=~valid)
        for level in range(self.layers):
            if level and random:
                self._drop(w, level, random)
            for k in self._passes(w, level):
                self._run(w, k, self._inputs(w, level), valid)
                self._hand_on(w, level, k, valid)

    def backward(self, w):
        valid, dy = _valid(w), w.dy.swapaxes(0, 1) if self.return_sequences else None
        for level in reversed(range(self.layers)):
            x = self._inputs(w, level)
            dx = w.temporary(f"dinputs {level % 2}", x.shape) if level or w.dx is not None else None
            for k in self._passes(w, level):
                for i, gradient in enumerate(k.gradients):
                    gradient[...] = w.dy[:, k.columns] if dy is None and i == 0 else 0
                self._run_back(w, k, dy, valid)
                self._products(w, k, x, dx)
            if level and w.training and self.dropout:
                dx *= w.scratch(f"mask_l{level}", x.shape)
            dy = dx
        if w.dx is not None:
            w.dx[...] = dy.swapaxes(0, 1)

    def _run(self, w: Workspace, k: Pass, x: np.ndarray, valid: np.ndarray | None) -> None:
        bias = None if not self.bias else k.p["bias_ih"] if self.separate else k.p["bias_ih"] + k.p["bias_hh"]
        multiply(w, _rows(x), k.p["weight_ih"], _rows(k.gates), bias)
        for before in k.before:
            before[k.steps[0]] = 0
        weight = Laid(w, k.p["weight_hh"], x.shape[1])
        for t in k.steps:
            weight.multiply(k.before[0][t], k.recurrent[t], k.p["bias_hh"] if self.separate and self.bias else None, add=not self.separate)
            self.step(k, t)
            if valid is not None:
                for now, before in zip(k.now, k.before):
                    np.copyto(now[t], before[t], where=~valid[t])

    def _run_back(self, w: Workspace, k: Pass, dy: np.ndarray | None, valid: np.ndarray | None) -> None:
        weight = Laid(w, k.p["weight_hh"].T, len(k.gradients[0]))
        for count, t in reversed(list(enumerate(k.steps))):
            held = [] if valid is None else [gradient * ~valid[t] for gradient in k.gradients]
            if dy is not None:
                k.gradients[0] += dy[t][:, k.columns]
            for gradient in k.gradients if held else ():
                gradient *= valid[t]
            self.step_back(k, t)
            weight.multiply(k.recurrent[t], k.gradients[0], add=self.separate)
            for gradient, part in zip(k.gradients, held):
                gradient += part
            if self.truncation and count % self.truncation == 0:
                for gradient in k.gradients:
                    gradient.fill(0)

    def _products(self, w: Workspace, k: Pass, x: np.ndarray, dx: np.ndarray | None) -> None:
        """Everything that waits for all steps: the gradients of the weights and of the level's inputs."""
        gates, recurrent = _rows(k.gates), _rows(k.recurrent)
        multiply(w, _rows(x).T, gates, k.g["weight_ih"])
        multiply(w, _rows(k.before[0]).T, recurrent, k.g["weight_hh"])
        if self.bias:
            channel_sums(k.gates, out=k.g["bias_ih"])
            k.g["bias_hh"][...] = channel_sums(k.recurrent) if self.separate else k.g["bias_ih"]
        if dx is not None:
            multiply(w, gates, k.p["weight_ih"].T, _rows(dx), add=k.columns.start != 0)

    def _hand_on(self, w: Workspace, level: int, k: Pass, valid: np.ndarray | None) -> None:
        """The states of a pass as outputs: to the next level, or out."""
        last = level == self.layers - 1
        if last and not self.return_sequences:
            w.y[:, k.columns] = k.now[0][k.steps[-1]]
        else:
            out = (w.y.swapaxes(0, 1) if last else self._inputs(w, level + 1))[..., k.columns]
            np.multiply(k.now[0], True if valid is None else valid, out=out)

    def _drop(self, w: Workspace, level: int, random: np.random.Generator) -> None:
        x = self._inputs(w, level)
        mask = w.scratch(f"mask_l{level}", x.shape)
        random.random(out=mask, dtype=mask.dtype)
        np.greater_equal(mask, self.dropout, out=mask)
        mask /= 1 - self.dropout
        x *= mask

    def _inputs(self, w: Workspace, level: int) -> np.ndarray:
        width = self._width if level else w.x.shape[2]
        return w.scratch(f"inputs_l{level}", (w.x.shape[1], w.x.shape[0], width))

    def _passes(self, w: Workspace, level: int) -> Iterator[Pass]:
        return (Pass(self, w, level, backwards) for backwards in self._directions)

    @property
    def _directions(self) -> tuple[bool, ...]:
        return (False, True) if self.bidirectional else (False,)

    @property
    def _width(self) -> int:
        return self.units * len(self._directions)


def _suffix(level: int, backwards: bool) -> str:
    return f"_l{level}" + ("_reverse" if backwards else "")


def _short(arrays: Mapping[str, np.ndarray], suffix: str) -> dict[str, np.ndarray]:
    return {name.removesuffix(suffix): array for name, array in arrays.items() if name.endswith(suffix)}


def _valid(w: Workspace) -> np.ndarray | None:
    """The mask as yes or no, (time, n, 1)."""
    return (w.inputs[1].T != 0)[:, :, None] if len(w.inputs) > 1 else None


def _rows(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1])
