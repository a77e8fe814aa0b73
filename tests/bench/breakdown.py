"""Where the arithmetic of a step goes, layer by layer: what says which kernel to write next.

    python tests/bench/breakdown.py tests/bench/lenet.yaml

For one shard of the job's batch on one thread: milliseconds of CPU, of layers inside a layer by themselves,
and GFLOP/s of the products that a layer's formula asks for, beside what a large matrix product reaches here.
Layers of one kind and shape stand in one row.
"""

import argparse
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from time import process_time

# BLAS reads these when NumPy is loaded.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import numpy as np  # noqa: E402

from bpcore.layers import LAYERS, Layer, Listed, Workspace  # noqa: E402
from bpcore.model import Model  # noqa: E402
from bpcore.plan import Key  # noqa: E402
from bpcore.shapes import Shape  # noqa: E402
from worker import shards  # noqa: E402
from worker.jobs import checks, jobfile, specs  # noqa: E402

WARM_STEPS = 3
# Kind → floating-point operations of its products in forward, from layer, x and y.
FLOPS: dict[str, Callable[[Layer, Shape, Shape], int]] = {
    "conv2d": lambda layer, x, y: 2 * prod(y) * prod(layer.kernel) * x[3] // layer.groups,
    "gru": lambda layer, x, y: 6 * x[0] * x[1] * layer.units * (x[2] + layer.units),
    "linear": lambda layer, x, y: 2 * prod(x) * layer.units,
    "lstm": lambda layer, x, y: 8 * x[0] * x[1] * layer.units * (x[2] + layer.units),
    "multi_head_attention": lambda layer, x, y: 4 * prod(x) * (2 * x[2] + x[1]),
}


@dataclass(frozen=True)
class Place:
    """What a row is about."""

    kind: str
    layer: Layer
    x: Shape
    y: Shape

    def gflop(self, times: int) -> float:
        return times * FLOPS[self.kind](self.layer, self.x, self.y) / 1e9 if self.kind in FLOPS else 0.0


class Clocks:
    """CPU seconds of every key in every step, without what is clocked inside of it."""

    def __init__(self) -> None:
        self.calls: defaultdict[tuple, int] = defaultdict(int)
        self.without_dx: set[Place] = set()
        self._now: defaultdict[tuple, float] = defaultdict(float)
        self._steps: defaultdict[tuple, list[float]] = defaultdict(list)
        self._inside: list[float] = []

    @contextmanager
    def of(self, *key: object) -> Iterator[None]:
        began = process_time()
        self._inside.append(0.0)
        yield
        took = process_time() - began
        self._now[key] += took - self._inside.pop()
        self.calls[key] += 1
        if self._inside:
            self._inside[-1] += took

    def end_step(self) -> None:
        for key, seconds in self._now.items():
            self._steps[key].append(seconds)
        self._now.clear()

    def seconds(self, *key: object) -> float:
        return statistics.median(self._steps[key][WARM_STEPS:] or [0.0])


def watch(clocks: Clocks) -> None:
    """Puts a clock around forward and backward of every kind of layer."""
    for kind, layer_type in LAYERS.types.items():
        for name, calls in (("forward", layer_type.ahead), ("backward", layer_type.back)):
            inner = partial(_all, calls) if issubclass(layer_type, Listed) else getattr(layer_type, name)
            setattr(layer_type, name, _clocked(clocks, kind, name, inner))
        layer_type.ahead, layer_type.back = Layer.ahead, Layer.back


def _all(calls: Callable, layer: Layer, w: Workspace) -> None:
    for call in calls(layer, w):
        call()


def _clocked(clocks: Clocks, kind: str, name: str, inner: Callable) -> Callable:
    def run(layer, w):
        place = Place(kind, layer, w.x.shape, w.y.shape)
        if name == "backward" and w.dx is None:
            clocks.without_dx.add(place)
        with clocks.of(place, name):
            inner(layer, w)

    return run


def train(clocks: Clocks, path: Path, steps: int) -> int:
    """The samples of the shard that it trained on, so many times."""
    job = checks.check(*_read(path))
    model, part = Model(job.maths), shards.cut(slice(0, job.spec.batch_size), specs.with_defaults(job.spec).logical_shards)[0]
    batch, parameters, gradient = job.train.read(np.arange(part.stop)), model.initialize(0), model.layout.zeros()
    for step in range(WARM_STEPS + steps):
        with clocks.of("rest"):
            model.gradient(parameters, batch, gradient, Key(0, step, 0))
        clocks.end_step()
    return part.stop


def _read(path: Path) -> tuple:
    spec, problems = jobfile.read(path)
    return spec, Path(), problems


def rows(clocks: Clocks, steps: int) -> Iterator[list[str]]:
    yield ["layer", "×", "x", "y", "forward ms", "backward ms", "forward GFLOP/s", "backward GFLOP/s"]
    for place in [key[0] for key in clocks.calls if key[1:] == ("forward",)]:
        times = clocks.calls[place, "forward"] // steps
        gflop, ahead, back = place.gflop(times), clocks.seconds(place, "forward"), clocks.seconds(place, "backward")
        rates = [f"{gflop / ahead:.0f}", f"{gflop * (2 - (place in clocks.without_dx)) / back:.0f}"] if gflop else ["", ""]
        yield [place.kind, str(times), str(place.x), str(place.y), f"{ahead * 1e3:.3f}", f"{back * 1e3:.3f}", *rates]
    yield ["losses, and all between the layers", "", "", "", f"{clocks.seconds('rest') * 1e3:.3f}", "", "", ""]


def product_gflops(size: int = 1024) -> float:
    """What a large matrix product reaches on this thread."""
    a, seconds = np.ones((size, size), np.float32), []
    for _ in range(9):
        began = process_time()
        np.matmul(a, a)
        seconds.append(process_time() - began)
    return 2e-9 * size**3 / statistics.median(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU time of each layer of a job, on one thread.")
    parser.add_argument("job", type=Path, metavar="JOB", help="job file")
    parser.add_argument("--steps", type=int, default=12, metavar="N", help="how many to take the median of (default: 12)")
    chosen = parser.parse_args()
    clocks = Clocks()
    watch(clocks)
    samples = train(clocks, chosen.job, chosen.steps)
    for i, row in enumerate(rows(clocks, WARM_STEPS + chosen.steps)):
        print(f"| {' | '.join(row)} |" + "\n|" * (i == 0) + " --- |" * 8 * (i == 0))
    whole = sum(clocks.seconds(*key) for key in clocks.calls)
    print(f"\n{samples} samples in {whole * 1e3:.2f} ms: {samples / whole:,.0f} samples/s a core; "
          f"a product of 1024 × 1024 × 1024 reaches {product_gflops():.0f} GFLOP/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
