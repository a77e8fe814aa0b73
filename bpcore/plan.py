"""The buffers of a graph for batches of one size, wired once: a step takes no memory.

1. Layers are asked once what they call (`ahead`, `back`) for each vector of parameters and of gradients; a
   step makes those calls.
2. Outputs are kept from forward to backward. The gradient of an output lives only from its first
   reader's backward to its own, so gradients share a few buffers.
3. Layers write, never add; where an output has several readers, or a parameter several users, the sums
   are made here.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bpcore import diagnosis, kernels, lodging, memory, rng
from bpcore.arena import Vector
from bpcore.bound import ByVector
from bpcore.errors import ShapeError, expected
from bpcore.fields import Batch
from bpcore.graph import Graph
from bpcore.heads import BoundHead
from bpcore.layers import Layer, Workspace
from bpcore.shapes import describe
from bpcore.spec import Spec
from bpcore.wiring import Wiring


class Key(NamedTuple):
    """What random layers draw by: the same key, the same numbers."""

    seed: int
    step: int
    shard: int


class Plan:
    """A workspace a node, its buffers wired to its neighbours'. `explained`: with gradients of the model's
    inputs, which training does not need. `apart`: each output and gradient in memory of its own, for who looks at
    them when the pass is over."""

    def __init__(self, spec: Spec, n: int, dtype: type, explained: bool, apart: bool = False):
        self.graph = graph = spec.graph
        hosts = {} if apart else lodging.hosts(graph, {head.output for head in spec.heads})
        rectified = lodging.rectified(graph, hosts)
        self.layers = [_Done() if position in rectified else node.layer for position, node in enumerate(graph.nodes)]
        self.inputs = [np.zeros((n, *given.shape), np.int64 if given.integer else dtype) for given in graph.inputs]
        self.input_gradients = [np.zeros_like(x) if explained and not given.integer else None
                                for given, x in zip(graph.inputs, self.inputs)]
        ys, first = list(self.inputs), len(self.inputs)
        for position, node in enumerate(graph.nodes):
            ys.append(ys[first + hosts[position]].reshape(n, *node.shape) if position in hosts else memory.zeros((n, *node.shape), dtype))
        wiring = Wiring(graph, {head.output for head in spec.heads}, ys, self.input_gradients, apart)
        self.sums = wiring.sums
        # The first head of an output writes its gradient in place, every further one beside it.
        outputs = [head.output for head in spec.heads]
        totals = [wiring.heads[output] for output in outputs]
        gradients = [total if output not in outputs[:i] else np.zeros_like(total) for i, (output, total) in enumerate(zip(outputs, totals))]
        self.heads = [BoundHead(head, ys[first + head.output], gradient) for head, gradient in zip(spec.heads, gradients)]
        self._beside = [(total, part) for total, part in zip(totals, gradients) if total is not part]
        pool: dict[tuple[str, Any], np.ndarray] = {}
        self.steps = [Workspace([ys[place] for place in node.inputs], ys[first + position], wiring.dys[position],
                                wiring.dinputs[position], pool) for position, node in enumerate(graph.nodes)]
        for position, w in enumerate(self.steps):
            w.rng, w.rectified = partial(self._stream, position), position in rectified.values()
        self._shared = _later_writers(graph, dtype)
        self._users = _users_of_statistics(graph)
        self.shares_totals = False  # whether layers are told sums over several plans (lockstep.py)
        self._passes = {training: ByVector(partial(_Pass, self, self.steps, training)) for training in (False, True)}

    def add_heads(self) -> None:
        """The gradient of each output that several heads read: their sum."""
        for total, part in self._beside:
            total += part

    def load(self, parameters: Vector, batch: Batch, training: bool, key: Key | None) -> None:
        """What the next forward and backward work on."""
        for given, array in zip(self.graph.inputs, self.inputs):
            came = batch[given.field]
            if came.shape != array.shape:
                raise ShapeError(expected(f"samples of shape {describe(given.shape)}", describe(came.shape[1:])))
            array[...] = came
        self._key, self._pass = key, self._passes[training].of(parameters)
        self.steps = self._pass.steps
        if self.shares_totals:
            for w in self.steps:
                w.totals = None

    def forward(self) -> None:
        for call in self._pass.ahead:
            call()

    def diagnosis(self) -> np.ndarray:
        """The row of bpcore/diagnosis.py for the last forward pass, which is gone through again: by now layers may
        have written over the outputs of others."""
        rows = []
        for node, w in zip(self.graph.nodes, self.steps):
            w = copy(w)
            w.rectified = False
            node.layer.forward(w)
            rows.append(diagnosis.row([w]))
        return np.concatenate(rows)

    def backward(self, out: Vector) -> None:
        for call in self._pass.back.of(out):
            call()

    def back(self, steps: Sequence[Workspace], out: Vector) -> Iterator[Callable[[], object]]:
        """The calls of a whole backward pass that writes `out`."""
        for position in reversed(range(len(steps))):
            w = copy(steps[position])
            w.g = self._gradients(position, out)
            yield from self.layers[position].back(w)
            yield from self._behind(position, out)

    def backward_layer(self, position: int, out: Vector) -> None:
        """One layer's part of it."""
        w = self.steps[position]
        w.g = self._gradients(position, out)
        self.layers[position].backward(w)
        for call in self._behind(position, out):
            call()

    def _gradients(self, position: int, out: Vector) -> dict[str, np.ndarray]:
        return {**out.nodes[position], **self._shared[position]}

    def _behind(self, position: int, out: Vector) -> Iterator[Callable[[], object]]:
        """The sums to make behind a layer's backward."""
        own = out.nodes[position]
        for total, part in self.sums[position]:
            yield partial(np.add, total, part, total)
        for name, part in self._shared[position].items():
            yield partial(np.add, own[name], part, own[name])
        for name, users in self._users[position].items():
            yield partial(np.divide, own[name], users, own[name])

    def _stream(self, position: int) -> np.random.Generator:
        return rng.stream(self._key.seed, rng.LAYER, self._key.step, self._key.shard, position)


class _Done(Layer):
    """In the place of a layer whose work another one does."""

    def ahead(self, w):
        return ()

    def back(self, w):
        return ()

    def forward(self, w):
        pass

    def backward(self, w):
        pass


class _Pass:
    """A plan with one vector of parameters: its workspaces, and the calls of its two passes."""

    def __init__(self, plan: Plan, steps: Sequence[Workspace], training: bool, parameters: Vector):
        self.steps = [copy(w) for w in steps]
        for w, p in zip(self.steps, parameters.nodes):
            w.p, w.training = p, training
        self.ahead = kernels.program.fused(call for layer, w in zip(plan.layers, self.steps) for call in layer.ahead(w))
        self.back = ByVector(lambda out: kernels.program.fused(plan.back(self.steps, out)))


def _later_writers(graph: Graph, dtype: type) -> list[dict[str, np.ndarray]]:
    """For each node, arrays beside the gradients of shared parameters that a node behind it writes first."""
    written: set[tuple[int, str]] = set()
    aside: list[dict[str, np.ndarray]] = [{} for _ in graph.nodes]
    for position in reversed(range(len(graph.nodes))):
        node = graph.nodes[position]
        for name, parameter in node.parameters.items():
            owner = (node.shared.get(name, position), name)
            if owner in written:
                aside[position][name] = np.zeros(parameter.shape, dtype)
            written.add(owner)
    return aside


def _users_of_statistics(graph: Graph) -> list[dict[str, int]]:
    """For each node, its running statistics that several layers share: how many. It is the last to write them,
    and what they move towards is the mean over all."""
    found: list[dict[str, int]] = [{} for _ in graph.nodes]
    for node in graph.nodes:
        for name, owner in node.shared.items():
            if node.parameters[name].momentum is not None:
                found[owner][name] = found[owner].get(name, 1) + 1
    return found
