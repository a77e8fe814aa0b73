"""Gradient checks: the analytic directional derivative against a central difference, in float64.

For a function f and a random direction u:  ⟨∇f, u⟩  against  (f(x + hu) − f(x − hu)) / 2h. One inner
product checks every number of the gradient at once, so the cost does not grow with the size. Shipped
with the core, so that whoever adds a layer checks it with the same call as the suite, and a whole model
(`check_model`) with `bptrain check JOB.yaml`:

    python -m bpcore.gradcheck conv2d
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bpcore import layers, lockstep, losses, rng
from bpcore.arena import Vector
from bpcore.attributes import unknown
from bpcore.fields import Batch
from bpcore.layers import LAYERS, Workspace
from bpcore.losses import LOSSES
from bpcore.model import Model
from bpcore.plan import Key

STEP = 1e-6
TOLERANCE = 1e-7
NEAR = 0.05  # standard deviation of where a model is checked around its parameters


@dataclass(frozen=True)
class Check:
    """One comparison; `error` is relative to the larger of both sides and 1."""

    what: str
    analytic: float
    numeric: float

    @property
    def error(self) -> float:
        """Infinite where a side is not a number."""
        found = abs(self.analytic - self.numeric) / max(abs(self.analytic), abs(self.numeric), 1)
        return math.inf if math.isnan(found) else found

    def __str__(self) -> str:
        return (f"{self.what}: analytic {self.analytic:.12g}, numeric {self.numeric:.12g}, "
                f"relative error {self.error:.1e} (step {STEP}, tolerance {TOLERANCE})")


def check_layer(case: layers.Case, seed: int = 0) -> list[Check]:
    """A check for each input and each parameter of one case."""
    random = np.random.default_rng(seed)
    w = workspace(case, random)
    project = random.standard_normal(w.y.shape)

    def value() -> float:
        case.layer.forward(w)
        return float(np.sum(w.y * project))

    value()
    w.dy[...] = project
    case.layer.backward(w)
    pairs = [(f"input {i}", x, dx.copy()) for i, (x, dx) in enumerate(zip(w.inputs, w.dinputs)) if dx is not None]
    statistics = {name for name, p in case.layer.parameters(*case.inputs).items() if p.momentum is not None}
    pairs += [(name, w.p[name], w.g[name].copy()) for name in w.p if name not in statistics]
    return [_compare(what, value, array, gradient, random) for what, array, gradient in pairs]


def check_loss(case: losses.Case, seed: int = 0) -> list[Check]:
    """The check of the gradient that one loss writes."""
    random = np.random.default_rng(seed)
    output = random.standard_normal((len(case.targets), *case.output))
    gradient = np.full_like(output, np.nan)
    case.loss.evaluate(output, case.targets, None, gradient)
    return [_compare("output", lambda: case.loss.evaluate(output, case.targets, None, None)[0], output, gradient, random)]


def check_model(model: Model, parameters: Vector, batch: Batch, seed: int = 0, tries: int = 3) -> list[Check]:
    """A check for each trained parameter of a float64 model, of its total loss on one batch, in training.

    Points near `parameters` are looked at: fresh biases are 0, where relu has its kink. Where a kink lies between
    the two sides of a difference, that try is spoilt; a wrong gradient spoils them all, so the best one counts.
    """
    random, names = np.random.default_rng(seed), [slot.full_name for slot in model.layout.slots if slot.momentum is None]
    best: dict[str, Check] = {}
    for _ in range(tries):
        p = model.layout.zeros(np.float64)
        p.flat[...] = parameters.flat
        for name in names:
            p.named()[name][...] += NEAR * random.standard_normal(p.named()[name].shape)
        _, gradient = _total_loss(model, p, batch)
        for name in [name for name in names if name not in best or best[name].error > TOLERANCE]:
            check = _compare(name, lambda: _total_loss(model, p, batch)[0], p.named()[name], gradient.named()[name], random)
            best[name] = min(best.get(name, check), check, key=lambda check: check.error)
    return list(best.values())


def _total_loss(model: Model, p: Vector, batch: Batch) -> tuple[float, Vector]:
    """(the loss, its gradient), the batch being one shard, always the same random numbers."""
    counts, out = model.counts(batch), model.layout.zeros(np.float64)
    rows = lockstep.gradients(model, p, {0: lockstep.Work(batch, out, Key(0, 0, 0))}, counts, lambda layer, parts: parts[0])
    out.flat /= counts[0] or 1
    return model.summary(rows[0])["loss"], out


def workspace(case: layers.Case, random: np.random.Generator, dtype: type = np.float64) -> Workspace:
    """The workspace of one case: random inputs and parameters, gradients full of NaN until written."""
    inputs = [random.integers(0, case.integers[i], (case.batch, *shape)) if i in case.integers
              else random.standard_normal((case.batch, *shape)).astype(dtype) for i, shape in enumerate(case.inputs)]
    y = np.zeros((case.batch, *case.layer.output_shape(*case.inputs)), dtype)
    w = Workspace(inputs, y, np.zeros_like(y), [None if i in case.integers else np.full_like(x, np.nan) for i, x in enumerate(inputs)])
    for name, parameter in case.layer.parameters(*case.inputs).items():
        values = random.standard_normal(parameter.shape)
        # A running statistic may be a variance, which is not negative.
        w.p[name] = (values if parameter.momentum is None else np.abs(values)).astype(dtype)
        w.g[name] = np.full(parameter.shape, np.nan, dtype)
    w.training = case.training
    w.rng = lambda: rng.stream(1, rng.LAYER)
    return w


def _compare(what: str, value: Callable[[], float], array: np.ndarray, gradient: np.ndarray,
             random: np.random.Generator) -> Check:
    direction, start = random.standard_normal(array.shape), array.copy()
    array[...] = start + STEP * direction
    above = value()
    array[...] = start - STEP * direction
    below = value()
    array[...] = start
    return Check(what, float(np.sum(gradient * direction)), (above - below) / (2 * STEP))


def main(names: list[str]) -> int:
    """Checks the named layers and losses (none named: all); the exit status."""
    known = {**LAYERS.types, **LOSSES.types}
    strangers = [name for name in names if name not in known]
    for name in strangers:
        print(unknown(name, known, "layer or loss"), file=sys.stderr)
    results = [(name, result) for name in names or known if name in known for case in known[name].cases()
               for result in (check_layer if name in LAYERS.types else check_loss)(case)]
    for name, result in results:
        print(f"{name}: {result}")
    return int(bool(strangers) or not all(result.error <= TOLERANCE for _, result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
