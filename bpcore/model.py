"""Runs a graph: forward, loss, backward.

1. A model holds no parameters: they are Vectors that the caller hands in, and so is the gradient.
2. Buffers are planned once per batch size and kept; a step takes no memory that grows.
3. The gradient written is that of the loss *sum*: sums of shards add up, the mean is the caller's.
"""

from dataclasses import dataclass

import numpy as np

from bpcore import rng
from bpcore.arena import Vector
from bpcore.errors import ShapeError, expected
from bpcore.graph import INPUT
from bpcore.layers import Workspace
from bpcore.shapes import describe
from bpcore.spec import Spec


@dataclass(frozen=True)
class Key:
    """What random layers draw by: the same key, the same numbers."""

    seed: int
    step: int
    shard: int


class Model:
    """One model on one thread. Batches are x: (n, *input shape) and targets: (n, …)."""

    def __init__(self, spec: Spec, dtype: type = np.float32):
        self.spec, self.dtype = spec, dtype
        self.layout = spec.graph.layout()
        widths = [2] + [metric.width for metric in spec.metrics.values()]
        self._columns = np.cumsum([0] + widths)
        self._plans: dict[int, _Plan] = {}

    @property
    def row_width(self) -> int:
        """Numbers in a row of sums: loss sum and count, then each metric's sums."""
        return int(self._columns[-1])

    def initialize(self, seed: int) -> Vector:
        """Fresh parameters, a function of the seed alone."""
        vector = self.layout.zeros(self.dtype)
        for position, node in enumerate(self.spec.graph.nodes):
            for i, (name, p) in enumerate(node.parameters.items()):
                stream = rng.stream(seed, rng.INITIALIZER, position, i)
                p.initializer.fill(vector.nodes[position][name], p.fan_in, p.fan_out, stream)
        return vector

    def gradient(self, parameters: Vector, x: np.ndarray, targets: np.ndarray, out: Vector, key: Key) -> np.ndarray:
        """Writes the gradient of the loss sum into `out`; returns the row of sums, float64 (row_width,)."""
        plan = self._forward(parameters, x, True, key)
        row = self._row(plan, targets, plan.steps[-1].dy)
        plan.backward(out)
        return row

    def evaluate(self, parameters: Vector, x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The row of sums without training: no dropout, no gradient."""
        return self._row(self._forward(parameters, x, False, None), targets, None)

    def predict(self, parameters: Vector, x: np.ndarray) -> np.ndarray:
        """The outputs, (n, *output shape); a copy of its own."""
        return self._forward(parameters, x, False, None).steps[-1].y.copy()

    def summary(self, row: np.ndarray) -> dict[str, float]:
        """`loss` and each metric by name, from a row of global sums."""
        values = {"loss": float(row[0] / row[1])}
        for i, (name, metric) in enumerate(self.spec.metrics.items(), start=1):
            values[name] = metric.value(row[self._columns[i]:self._columns[i + 1]])
        return values

    def _forward(self, parameters: Vector, x: np.ndarray, training: bool, key: Key | None) -> "_Plan":
        if x.shape[1:] != self.spec.graph.input:
            raise ShapeError(expected(f"samples of shape {describe(self.spec.graph.input)}", describe(x.shape[1:])))
        plan = self._plans.get(len(x))
        if plan is None:
            plan = self._plans[len(x)] = _Plan(self.spec.graph, len(x), self.dtype)
        plan.forward(parameters, x, training, key)
        return plan

    def _row(self, plan: "_Plan", targets: np.ndarray, gradient: np.ndarray | None) -> np.ndarray:
        output = plan.steps[-1].y
        sums = list(self.spec.loss.evaluate(output, targets, gradient))
        for metric in self.spec.metrics.values():
            sums += metric.sums(output, targets)
        return np.array(sums, np.float64)


class _Plan:
    """Everything for batches of one size: a workspace a node, its buffers wired to its neighbours'."""

    def __init__(self, graph, n: int, dtype: type):
        self.layers = [node.layer for node in graph.nodes]
        self.input = np.zeros((n, *graph.input), dtype)
        ys = [np.zeros((n, *node.shape), dtype) for node in graph.nodes]
        dys = [np.zeros_like(y) for y in ys]
        self.steps: list[Workspace] = [None] * len(ys)
        # Backward, from the last node: the first reader of an output writes its gradient, further
        # readers write beside it and are added.
        self.sums: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in ys]
        written: set[int] = set()
        for position in reversed(range(len(ys))):
            dinputs: list[np.ndarray | None] = []
            for source in graph.nodes[position].inputs:
                if source == INPUT:
                    dinputs.append(None)
                elif source not in written:
                    written.add(source)
                    dinputs.append(dys[source])
                else:
                    dinputs.append(np.zeros_like(dys[source]))
                    self.sums[position].append((dys[source], dinputs[-1]))
            inputs = [self.input if source == INPUT else ys[source] for source in graph.nodes[position].inputs]
            self.steps[position] = Workspace(inputs, ys[position], dys[position], dinputs)

    def forward(self, parameters: Vector, x: np.ndarray, training: bool, key: Key | None) -> None:
        self.input[...] = x
        for position, (layer, w) in enumerate(zip(self.layers, self.steps)):
            w.p, w.training = parameters.nodes[position], training
            w.rng = lambda position=position: rng.stream(key.seed, rng.LAYER, key.step, key.shard, position)
            layer.forward(w)

    def backward(self, out: Vector) -> None:
        for position in reversed(range(len(self.layers))):
            w = self.steps[position]
            w.g = out.nodes[position]
            self.layers[position].backward(w)
            for total, part in self.sums[position]:
                total += part
