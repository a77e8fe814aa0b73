"""Runs a graph: forward, losses, backward.

1. A model holds no parameters: they are Vectors that the caller hands in, and so is the gradient.
2. Buffers are planned once per batch size and kept; a step takes no memory that grows.
3. The gradient written is that of the loss *sum*: sums of shards add up, the mean is the caller's. Losses
   of several heads are brought to the first one's count, so that one division does for all.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from bpcore import rng
from bpcore.arena import Vector
from bpcore.fields import Batch
from bpcore.plan import Key, Plan
from bpcore.spec import Head, Spec


class Model:
    """One model on one thread. A batch maps the data's fields to arrays (n, …). `row_width`: numbers in a row of sums,
    for each head its loss sum and count, then each metric's sums."""

    def __init__(self, spec: Spec, dtype: type = np.float32):
        self.spec, self.dtype = spec, dtype
        self.layout = spec.graph.layout()
        widths = [width for head in spec.heads for width in (2, *(m.width(spec.output(head)) for m in head.metrics.values()))]
        columns = np.cumsum([0, *widths]).tolist()
        self._scales = len(spec.heads) > 1 or spec.heads[0].scale != 1
        self.row_width = columns[-1]
        places = iter([slice(*pair) for pair in pairwise(columns)])
        self._places = [(next(places), [next(places) for _ in head.metrics]) for head in spec.heads]
        self.on_forward: Callable[[], None] = lambda: None  # called between forward and the losses, by who measures
        self._plans: dict[tuple[int, bool, int], Plan] = {}

    def initialize(self, seed: int) -> Vector:
        """Fresh parameters, a function of the seed alone."""
        vector = self.layout.zeros(self.dtype)
        for position, node in enumerate(self.spec.graph.nodes):
            for i, (name, p) in enumerate(node.parameters.items()):
                if name not in node.shared:
                    stream = rng.stream(seed, rng.INITIALIZER, position, i)
                    p.initializer.fill(vector.nodes[position][name], p.fan_in, p.fan_out, stream)
        return vector

    def counts(self, batch: Batch) -> np.ndarray:
        """What each head's loss sum will be divided by; float64 (heads,). Known before any forward pass."""
        return np.array([head.loss.count(self.spec.output(head), batch[head.target], _weights(head, batch))
                         for head in self.spec.heads])

    def gradient(self, parameters: Vector, batch: Batch, out: Vector, key: Key, counts: Sequence[float] = (1.0,)) -> np.ndarray:
        """Writes the gradient of the loss sum into `out`; returns the row of sums, float64 (row_width,).

        `counts`: with several heads, their counts over the global batch; what is written is then to be
        divided by the first one (by 1 where that is 0).
        """
        plan = self._forward(parameters, batch, True, key)
        self.on_forward()
        row = self.losses(plan, batch, counts)
        plan.backward(out)
        return row

    def losses(self, plan: Plan, batch: Batch, counts: Sequence[float]) -> np.ndarray:
        """The row of sums; the gradients of the losses are in the plan."""
        row = self._row(plan, batch, True)
        if self._scales:
            for head, count, bound in zip(self.spec.heads, counts, plan.heads, strict=True):
                bound.gradient *= head.scale * ((counts[0] or 1.0) / count if count else 0.0)
            plan.add_heads()
        return row

    def diagnosis(self, n: int) -> np.ndarray:
        """The row of bpcore/diagnosis.py for the last batch of n samples."""
        return self.plan(n).diagnosis()

    def evaluate(self, parameters: Vector, batch: Batch) -> np.ndarray:
        """The row of sums without training: no dropout, no gradient."""
        return self._row(self._forward(parameters, batch, False, None), batch, False)

    def predict(self, parameters: Vector, batch: Batch) -> np.ndarray:
        """The first head's outputs, (n, *output shape); a copy of its own."""
        return self._forward(parameters, batch, False, None).steps[self.spec.heads[0].output].y.copy()

    def outputs(self, parameters: Vector, batch: Batch) -> list[np.ndarray]:
        """The outputs of every head, (n, *output shape) each; copies of their own."""
        plan = self._forward(parameters, batch, False, None)
        return [plan.steps[head.output].y.copy() for head in self.spec.heads]

    def input_gradient(self, parameters: Vector, batch: Batch, output_gradient: np.ndarray) -> np.ndarray:
        """∂ Σ (output_gradient · output) / ∂ first input, (n, *input shape), without dropout.

        output_gradient: (n, *shape of the first head's output).
        """
        plan = self.plan(len(output_gradient), explained=True)
        plan.load(parameters, batch, False, None)
        plan.forward()
        for head in plan.heads:
            head.gradient.fill(0)
        plan.heads[0].gradient[...] = output_gradient
        plan.backward(self.layout.zeros(self.dtype))
        return plan.input_gradients[0].copy()

    def summary(self, row: np.ndarray) -> dict[str, float]:
        """`loss` and each metric by name, from a row of global sums; with several heads also each one's."""
        return {name: values[0] for name, values in self.summaries(row[None]).items()}

    def summaries(self, rows: np.ndarray) -> dict[str, list[float]]:
        """The same of many rows (n, row_width)."""
        whole, values, losses = np.zeros(len(rows)), {}, {}
        for head, (place, others) in zip(self.spec.heads, self._places):
            totals, counts = rows[:, place].T
            means = losses[head.name] = np.divide(totals, counts, out=np.full(len(rows), np.nan), where=counts != 0)
            whole += head.scale * (means if len(self.spec.heads) == 1 else np.where(counts != 0, means, 0))
            for (name, metric), other in zip(head.metrics.items(), others):
                values[f"{head.name}_{name}" if head.name else name] = [metric.value(row) for row in rows[:, other]]
        each = {f"{name}_loss": means.tolist() for name, means in losses.items()} if len(losses) > 1 else {}
        return {"loss": whole.tolist(), **values, **each}

    def _forward(self, parameters: Vector, batch: Batch, training: bool, key: Key | None) -> Plan:
        plan = self.plan(len(batch[self.spec.graph.inputs[0].field]))
        plan.load(parameters, batch, training, key)
        plan.forward()
        return plan

    def plan(self, n: int, explained: bool = False, place: int = 0) -> Plan:
        """The buffers for batches of n samples; another `place`, other buffers, and all of them apart."""
        found = self._plans.get((n, explained, place))
        if found is None:
            found = self._plans[n, explained, place] = Plan(self.spec, n, self.dtype, explained, apart=place > 0)
        return found

    def _row(self, plan: Plan, batch: Batch, training: bool) -> np.ndarray:
        return np.array([each for head in plan.heads for each in head.sums(batch, training)], np.float64)


def _weights(head: Head, batch: Batch) -> np.ndarray | None:
    return batch[head.weight] if head.weight else None
