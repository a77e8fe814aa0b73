"""multi_head_attention: each query takes the mean of the memory's values, weighted by how well keys fit.

q = x W_q + b_q, k = m W_k + b_k, v = m W_v + b_v, split into `heads` groups of width = units / heads;
a head: A = softmax(q kᵀ / √width), A v; y = (all heads side by side) W_o + b_o

Inputs: x (queries, features) alone, which then is its own memory, or x and the memory m (keys, features
of its own); with `key_mask` the last input says by 0 or 1 which keys are there, (keys,). y: (queries,
units); `units`: the features of x, unless given. `causal`: query i sees the keys 0 … i. `rotary`: q and k are turned
by their positions (bpcore/numerics/positions.py). `dropout`: of A, in training. A query that sees no key gives b_o.

Parameters: in_proj_weight (features, 3 units) = (W_q, W_k, W_v); with a memory q_proj_weight (features,
units) and kv_proj_weight (memory's features, 2 units) instead; in_proj_bias (3 units,), out_proj.weight
(units, units), out_proj.bias (units,): PyTorch's by name, the weights transposed.
Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.2.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import flag, integer, number
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.xavier_uniform import XavierUniform
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, Workspace, initializer
from bpcore.numerics.attention import Rules, attend, attend_back, attended, room
from bpcore.numerics.positions import rotate, rotated
from bpcore.numerics.products import multiply
from bpcore.numerics.sums import channel_sums
from bpcore.shapes import Shape, describe, require_axes

ROTARY_BASE = 10000.0


@dataclass(frozen=True)
class MultiHeadAttention(Layer):
    arity = (1, 3)
    torch_axes = {name: (1, 0) for name in ("in_proj_weight", "q_proj_weight", "out_proj.weight")}

    heads: int = integer(minimum=1)
    units: int | None = integer(None, minimum=1)
    causal: bool = flag(False)
    key_mask: bool = flag(False)
    rotary: bool = flag(False)
    dropout: float = number(0.0, minimum=0, below=1)
    bias: bool = flag(True)
    weight_initializer: Initializer = initializer(XavierUniform())
    bias_initializer: Initializer = initializer(Zeros())

    @property
    def integer_inputs(self) -> tuple[int, ...]:
        return (-1,) if self.key_mask else ()

    def output_shape(self, *inputs):
        sources, units = self._sources(inputs), self._units(inputs)
        for source in sources:
            require_axes(source, "time", "features", hint="a linear layer or an embedding gives each step its features")
        if units % (2 * self.heads if self.rotary else self.heads):
            what = "twice the heads" if self.rotary else "the heads"
            raise ShapeError(expected(f"units that are a multiple of {what}, {self.heads}", units, "change heads or units"))
        if self.key_mask and inputs[-1] != sources[-1][:1]:
            raise ShapeError(expected(f"a key mask of {describe(sources[-1][:1])}", describe(inputs[-1])))
        return (inputs[0][0], units)

    def parameters(self, *inputs):
        units, own = self._units(inputs), {}
        for source, (name, columns) in zip(self._sources(inputs), _projections(len(self._sources(inputs)), units)):
            shape = (source[1], columns.stop - columns.start)
            own[name] = Parameter(shape, self.weight_initializer, fan_in=source[1], fan_out=units)
        own["out_proj.weight"] = Parameter((units, units), self.weight_initializer, fan_in=units, fan_out=units)
        biases = {"in_proj_bias": (3 * units,), "out_proj.bias": (units,)} if self.bias else {}
        return own | {name: Parameter(shape, self.bias_initializer) for name, shape in biases.items()}

    def forward(self, w):
        for x, projected, (name, columns) in self._projected(w):
            multiply(w, _rows(x), w.p[name], _rows(projected), w.p["in_proj_bias"][columns] if self.bias else None)
        q, k, v = self._split(w)
        if self.rotary:
            rotate(q, q, ROTARY_BASE)
            rotate(k, k, ROTARY_BASE)
        q *= q.shape[3] ** -0.5
        attend(*map(_heads_first, (q, k, v, self._context(w))), self._row_sums(w), self._rules(w, draw=True))
        multiply(w, _rows(w.scratch("context", w.y.shape)), w.p["out_proj.weight"], _rows(w.y), w.p.get("out_proj.bias"))

    def backward(self, w):
        context, dy = _rows(w.scratch("context", w.y.shape)), _rows(w.dy)
        multiply(w, context.T, dy, w.g["out_proj.weight"])
        if self.bias:
            channel_sums(w.dy, out=w.g["out_proj.bias"])
        multiply(w, dy, w.p["out_proj.weight"].T, context)  # from here on its gradient
        q, k, v = self._split(w)
        attend_back(*map(_heads_first, (q, k, v, self._context(w))), self._row_sums(w), self._rules(w))
        q *= q.shape[3] ** -0.5
        if self.rotary:
            rotate(q, q, ROTARY_BASE, back=True)
            rotate(k, k, ROTARY_BASE, back=True)
        for dx, (x, dprojected, (name, columns)) in zip(w.dinputs, self._projected(w)):
            multiply(w, _rows(x).T, _rows(dprojected), w.g[name])
            if self.bias:
                channel_sums(dprojected, out=w.g["in_proj_bias"][columns])
            if dx is not None:
                multiply(w, _rows(dprojected), w.p[name].T, _rows(dx))

    def onnx(self, g, inputs, p, shapes):
        sources, shapes, width = self._sources(inputs), self._sources(shapes), p["out_proj.weight"].shape[0] // self.heads
        packed = [p["in_proj_weight"]] if len(sources) == 1 else [p["q_proj_weight"], p["kv_proj_weight"]]
        weights = [part for weight in packed for part in np.split(weight, weight.shape[1] // (width * self.heads), axis=1)]
        parts = [g.op("MatMul", source, g.constant(weight)) for source, weight in zip((sources[0], sources[-1], sources[-1]), weights)]
        if self.bias:
            parts = [g.op("Add", part, g.constant(bias)) for part, bias in zip(parts, np.split(p["in_proj_bias"], 3))]
        lengths = shapes[0][0], shapes[-1][0]
        if self.rotary:
            parts[:2] = (rotated(g, part, length, width, self.heads, ROTARY_BASE) for part, length in zip(parts, lengths))
        context = attended(g, parts, self.heads, width, self.causal, lengths, inputs[-1] if self.key_mask else "")
        y = g.op("MatMul", context, g.constant(p["out_proj.weight"]))
        return g.op("Add", y, g.constant(p["out_proj.bias"])) if self.bias else y

    def _sources(self, inputs: Sequence) -> Sequence:
        """Without the mask: the queries, and the memory where it is another input."""
        sources = inputs[:-1] if self.key_mask else inputs
        if not 1 <= len(sources) <= 2:
            raise ShapeError(expected("queries, or queries and a memory, and with key_mask a mask behind", f"{len(inputs)} inputs"))
        return sources

    def _units(self, inputs: Sequence[Shape]) -> int:
        return self.units or inputs[0][-1]

    def _projected(self, w: Workspace) -> list[tuple[np.ndarray, np.ndarray, tuple[str, slice]]]:
        """For each source: itself, its projection (n, time, its share of 3 · units), its weight."""
        sources = self._sources(w.inputs)
        return [(x, w.scratch(f"projected_{i}", (*x.shape[:2], place[1].stop - place[1].start)), place)
                for i, (x, place) in enumerate(zip(sources, _projections(len(sources), w.y.shape[2])))]

    def _split(self, w: Workspace) -> list[np.ndarray]:
        """q, k and v, each (n, time, heads, width)."""
        projected, units = [projected for _, projected, _ in self._projected(w)], w.y.shape[2]
        parts = projected[0][..., :units], projected[-1][..., -2 * units:-units], projected[-1][..., -units:]
        return [part.reshape(*part.shape[:2], self.heads, -1) for part in parts]

    def _context(self, w: Workspace) -> np.ndarray:
        return w.scratch("context", w.y.shape).reshape(*w.y.shape[:2], self.heads, -1)

    def _row_sums(self, w: Workspace) -> np.ndarray:
        return w.scratch("rows", (2, len(w.y), self.heads, w.y.shape[1], 1))

    def _rules(self, w: Workspace, draw: bool = False) -> Rules:
        shape = (len(w.y), self.heads, w.y.shape[1], self._sources(w.inputs)[-1].shape[1])
        kept = w.scratch("kept", shape, np.bool_) if self.dropout and w.training else None
        if draw and kept is not None:
            random = w.rng()
            for sample in kept:
                np.greater_equal(random.random(sample.shape, dtype=w.y.dtype), self.dropout, out=sample)
        seen = w.inputs[-1] != 0 if self.key_mask else None
        q = (*shape[:3], w.y.shape[2] // self.heads)
        return Rules(w.temporary("attention", (room(q, shape[3], w.y.itemsize),)), self.causal, seen, kept, self.dropout)

    @classmethod
    def cases(cls):
        yield Case(cls(heads=2), [(3, 4)])
        yield Case(cls(heads=2, units=4, bias=False), [(3, 2), (4, 3)])
        yield Case(cls(heads=1, causal=True, rotary=True, dropout=0.3), [(4, 2)])
        yield Case(cls(heads=2, key_mask=True, rotary=True), [(3, 4), (3,)], integers={1: 2})
        yield Case(cls(heads=3, key_mask=True, causal=True), [(2, 3), (4, 5), (4,)], integers={2: 2})
        yield Case(cls(heads=1), [(1, 1)], batch=1)


def _projections(sources: int, units: int) -> list[tuple[str, slice]]:
    """For each source: the name of its weight, and which columns of (q, k, v) that gives."""
    if sources == 1:
        return [("in_proj_weight", slice(0, 3 * units))]
    return [("q_proj_weight", slice(0, units)), ("kv_proj_weight", slice(units, 3 * units))]


def _heads_first(array: np.ndarray) -> np.ndarray:
    return array.swapaxes(1, 2)


def _rows(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1])
