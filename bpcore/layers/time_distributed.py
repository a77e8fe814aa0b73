"""time_distributed: another layer, applied to each time step by itself.

y[t] = layer(x[t])

x: (time, …), y: (time, …): the time is merged into the batch, so the layer runs once. Its parameters
keep their names. For layers of one input of numbers.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import REQUIRED, component
from bpcore.compose import Inner
from bpcore.errors import ShapeError, expected
from bpcore.layers import LAYERS, Case, Layer, Workspace
from bpcore.shapes import describe


@dataclass(frozen=True)
class TimeDistributed(Layer):
    layer: Layer = component(LAYERS.build, "a layer", REQUIRED)

    def output_shape(self, x):
        if len(x) < 2:
            raise ShapeError(expected("(time, …), with at least one axis behind", describe(x)))
        if self.layer.arity[0] > 1 or {0, -1} & set(self.layer.integer_inputs):
            raise ShapeError(expected("a layer of one input of numbers", type(self.layer).__module__.rpartition(".")[2]))
        return (x[0], *self.layer.output_shape(x[1:]))

    def parameters(self, x):
        return self.layer.parameters(x[1:])

    @property
    def torch_axes(self):
        return self.layer.torch_axes

    def forward(self, w):
        self.layer.forward(self._inner(w))

    def backward(self, w):
        self.layer.backward(self._inner(w))
        for name, parameter in self.parameters(w.x.shape[1:]).items():
            if parameter.momentum is not None:  # a running statistic counts samples; here each step was one
                w.g[name] /= w.x.shape[1]

    def whole_batch(self, x):
        return self.layer.whole_batch(x[1:])

    def collect(self, w, backward):
        return self.layer.collect(self._inner(w), backward)

    def onnx(self, g, inputs, p, shapes):
        (length, *shape), = shapes
        y = self.layer.onnx(g, [g.op("Reshape", inputs[0], g.constant([-1, *shape]))], p, [tuple(shape)])
        return y and g.op("Reshape", y, g.constant([-1, *self.output_shape(*shapes)]))

    def _inner(self, w: Workspace) -> Inner:
        return Inner(w, "", [_merged(w.x)], _merged(w.y), _merged(w.dy), [None if w.dx is None else _merged(w.dx)])

    @classmethod
    def cases(cls):
        build = LAYERS.build
        yield Case(cls(build({"linear": {"units": 2}})), [(3, 4)])
        yield Case(cls(build({"conv2d": {"filters": 2, "kernel": 2}})), [(2, 3, 3, 1)])
        yield Case(cls(build({"dropout": {"rate": 0.3}})), [(4, 5)])
        yield Case(cls(build("tanh")), [(1, 1)], batch=1)
        yield Case(cls(build({"batch_norm": {"sync": True}})), [(2, 3)])


def _merged(array: np.ndarray) -> np.ndarray:
    """(n, time, …) as (n · time, …)."""
    return array.reshape(-1, *array.shape[2:])
