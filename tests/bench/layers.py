"""Single layers beside PyTorch's, forward and backward, one thread: which shapes want a better kernel.

    python tests/bench/layers.py            all of them; with names, those whose name holds one: conv2d gru

Milliseconds are the least of many turns, ours and PyTorch's by turns; ours ÷ PyTorch: below 1 ours is faster. PyTorch's
arrays lie as it likes them best by default, channels first.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, log
from time import perf_counter
from typing import Any

# Read when NumPy and PyTorch are loaded.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from bpcore import memory  # noqa: E402
from bpcore.layers import LAYERS, Workspace  # noqa: E402
from bpcore.losses import LOSSES  # noqa: E402
from bpcore.shapes import Shape  # noqa: E402

SECONDS, TURN_S, LEAST_TURNS = 1.0, 0.03, 4


@dataclass(frozen=True)
class Case:
    """One layer and its double. `values`: how many an integer input may take; a loss then has them as its classes. Images
    of few channels are a model's input, of which nobody wants the gradient."""

    name: str
    ours: dict[str, Any] | str
    x: Shape
    double: Callable[[], nn.Module]
    values: int = 0
    channels_last: bool = False

    @property
    def inner(self) -> bool:
        """Whether the gradient of x is wanted."""
        return not self.values and not (self.channels_last and self.x[-1] <= 3)


class Attention(nn.Module):
    def __init__(self, features: int, heads: int, causal: int):
        super().__init__()
        self.inner = nn.MultiheadAttention(features, heads, batch_first=True)
        self.mask = nn.Transformer.generate_square_subsequent_mask(causal) if causal else None

    def forward(self, x):
        return self.inner(x, x, x, need_weights=False, attn_mask=self.mask, is_causal=self.mask is not None)[0]


class First(nn.Module):
    """Of a recurrent layer the outputs alone."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)[0]


def conv2d(x: Shape, filters: int, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1) -> Case:
    shown = "".join(f" {what} {value}" for what, value in (("/", stride), ("dilated", dilation), ("groups", groups)) if value > 1)
    padding = dilation * (kernel - 1) // 2
    ours = {"filters": filters, "kernel": kernel, "stride": stride, "padding": [padding] * 2, "dilation": dilation, "groups": groups}
    return Case(f"conv2d {kernel}×{kernel}{shown} → {filters}", {"conv2d": ours}, x,
                lambda: nn.Conv2d(x[-1], filters, kernel, stride, padding, dilation, groups), channels_last=True)


def pool(kind: str, x: Shape, size: int, stride: int, double: Callable[[int, int], nn.Module]) -> Case:
    return Case(f"{kind} {size} / {stride}", {kind: {"size": size, "stride": stride}}, x, lambda: double(size, stride), channels_last=True)


def recurrent(kind: str, x: Shape, units: int, double: Callable[..., nn.Module]) -> Case:
    return Case(f"{kind} {units}", {kind: {"units": units, "return_sequences": True}}, x,
                lambda: First(double(x[-1], units, batch_first=True)))


def linear(n: int, features: int, units: int) -> Case:
    return Case(f"linear {features} → {units}", {"linear": {"units": units}}, (n, features), lambda: nn.Linear(features, units))


def attention(x: Shape, heads: int, causal: bool) -> Case:
    return Case(f"multi_head_attention {heads} heads{' causal' * causal}", {"multi_head_attention": {"heads": heads, "causal": causal}}, x,
                lambda: Attention(x[-1], heads, x[1] * causal))


IMAGE, SMALL, TEXT = (33, 32, 32, 32), (7, 14, 14, 128), (7, 64, 128)
CASES = [
    *(conv2d(IMAGE, 64, kernel, stride) for kernel in (1, 3, 5, 7) for stride in (1, 2)),
    *(conv2d(SMALL, 96, kernel, stride) for kernel in (1, 3, 5) for stride in (1, 2)),
    conv2d((33, 32, 32, 3), 20, 5), conv2d((7, 64, 64, 3), 64, 7, 2), conv2d((33, 28, 28, 1), 6, 5),
    conv2d(IMAGE, 32, 3, dilation=2), conv2d(IMAGE, 64, 3, groups=4), conv2d((7, 14, 14, 128), 128, 3, groups=32),
    *(conv2d((33, 32, 32, 48), 48, kernel, stride, groups=48) for kernel in (3, 5) for stride in (1, 2)),
    conv2d((7, 14, 14, 200), 200, 3, groups=200), conv2d((7, 28, 28, 32), 64, 3, groups=32),
    Case("conv1d 5 → 64", {"conv1d": {"filters": 64, "kernel": 5, "padding": 2}}, (33, 100, 40),
         lambda: nn.Conv1d(40, 64, 5, 1, 2), channels_last=True),
    Case("conv1d 7 / 3 → 33", {"conv1d": {"filters": 33, "kernel": 7, "stride": 3}}, (7, 500, 13),
         lambda: nn.Conv1d(13, 33, 7, 3), channels_last=True),
    Case("conv_transpose2d 4 / 2 → 32", {"conv_transpose2d": {"filters": 32, "kernel": 4, "stride": 2, "padding": 1}}, (33, 14, 14, 48),
         lambda: nn.ConvTranspose2d(48, 32, 4, 2, 1), channels_last=True),
    pool("max_pool2d", (33, 32, 32, 32), 2, 2, nn.MaxPool2d), pool("max_pool2d", (7, 33, 33, 20), 3, 2, nn.MaxPool2d),
    pool("avg_pool2d", (33, 32, 32, 32), 2, 2, nn.AvgPool2d), pool("avg_pool2d", (7, 33, 33, 20), 3, 1, nn.AvgPool2d),
    Case("batch_norm", "batch_norm", (33, 32, 32, 20), lambda: nn.BatchNorm2d(20), channels_last=True),
    Case("batch_norm of features", "batch_norm", (33, 300), lambda: nn.BatchNorm1d(300)),
    Case("layer_norm", "layer_norm", (7, 64, 128), lambda: nn.LayerNorm(128)),
    Case("layer_norm odd", "layer_norm", (33, 50, 300), lambda: nn.LayerNorm(300)),
    Case("layer_norm wide", "layer_norm", (128, 2048), lambda: nn.LayerNorm(2048)),
    Case("group_norm", {"group_norm": {"groups": 8}}, IMAGE, lambda: nn.GroupNorm(8, 32), channels_last=True),
    Case("group_norm odd", {"group_norm": {"groups": 5}}, (7, 14, 14, 35), lambda: nn.GroupNorm(5, 35), channels_last=True),
    Case("rms_norm", "rms_norm", (33, 50, 300), lambda: nn.RMSNorm(300)),
    *(recurrent(kind, x, units, double) for kind, double in (("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN))
      for x, units in (((33, 50, 64), 128), ((7, 20, 30), 50), ((64, 64, 128), 256))),
    *(attention(x, heads, causal) for causal in (False, True) for x, heads in ((TEXT, 4), ((33, 50, 96), 6), ((2, 512, 128), 2))),
    Case("embedding 1000 → 100", {"embedding": {"vocabulary": 1000, "units": 100}}, (33, 50), lambda: nn.Embedding(1000, 100), 1000),
    Case("embedding 30000 → 128", {"embedding": {"vocabulary": 30000, "units": 128}}, (7, 64), lambda: nn.Embedding(30000, 128), 30000),
    linear(33, 100, 77), linear(7, 1000, 333), linear(33, 513, 1001), linear(1, 512, 512), linear(257, 31, 3), linear(64, 2048, 1000),
    Case("gelu", "gelu", (33, 50, 300), nn.GELU), Case("gelu tanh", {"gelu": {"approximate": "tanh"}}, (33, 50, 300), lambda: nn.GELU("tanh")),
    Case("relu", "relu", (33, 50, 300), nn.ReLU), Case("sigmoid", "sigmoid", (33, 50, 300), nn.Sigmoid),
    Case("tanh", "tanh", (33, 50, 300), nn.Tanh), Case("silu", "silu", (33, 50, 300), nn.SiLU),
    Case("softmax", "softmax", (33, 50, 300), lambda: nn.Softmax(-1)),
    *(Case(f"softmax_cross_entropy of {classes}", "softmax_cross_entropy", (n, classes), nn.CrossEntropyLoss, classes)
      for n, classes in ((33, 10), (2048, 10), (4096, 96), (128, 1000), (33, 10000))),
    Case("mse", "mse", (33, 1000), nn.MSELoss),
]


def ours(case: Case, random: np.random.Generator) -> Callable[[], object]:
    name = case.ours if isinstance(case.ours, str) else next(iter(case.ours))
    if name in LOSSES.types:
        output, loss = _held(random.standard_normal(case.x)), LOSSES.build(case.ours)
        targets = random.integers(0, case.values, case.x[:1]) if case.values else _held(random.standard_normal(case.x))
        gradient = np.empty_like(output)
        return lambda: loss.evaluate(output, targets, None, gradient)
    layer, shape = LAYERS.build(case.ours), case.x[1:]
    x = random.integers(0, case.values, case.x) if case.values else _held(random.standard_normal(case.x))
    y, dy = (_held(random.standard_normal((len(x), *layer.output_shape(shape)))) for _ in range(2))
    w = Workspace([x], y, dy, [memory.zeros(x.shape, np.float32) if case.inner else None])
    w.training = True
    for parameter, declared in layer.parameters(shape).items():
        w.p[parameter] = memory.zeros(declared.shape, np.float32)
        declared.initializer.fill(w.p[parameter], declared.fan_in, declared.fan_out, random)
        w.g[parameter] = memory.zeros(declared.shape, np.float32)
    calls = [*layer.ahead(w), *layer.back(w)]
    return lambda: [call() for call in calls]


def pytorchs(case: Case, random: np.random.Generator) -> Callable[[], object]:
    module, shape = case.double(), case.x
    if case.channels_last:
        shape = (shape[0], shape[-1], *shape[1:-1])
    is_loss = isinstance(module, nn.modules.loss._Loss)
    x = torch.randn(shape) if is_loss or not case.values else torch.randint(0, case.values, shape)
    x.requires_grad_(is_loss or case.inner)
    if is_loss:
        other = torch.randint(0, case.values, shape[:1]) if case.values else torch.randn(shape)
        return lambda: _cleared(module, x, lambda: module(x, other).backward())
    dy = torch.randn_like(module(x))
    return lambda: _cleared(module, x, lambda: module(x).backward(dy))


def _cleared(module: nn.Module, x: torch.Tensor, run: Callable[[], object]) -> None:
    """As an optimizer's zero_grad leaves it."""
    x.grad = None
    for parameter in module.parameters():
        parameter.grad = None
    run()


def _held(array: np.ndarray) -> np.ndarray:
    held = memory.zeros(array.shape, np.float32)
    held[...] = array
    return held


def milliseconds(*runs: Callable[[], object]) -> list[float]:
    """The least of each, by turns; kernels are compiled in a first one that does not count."""
    for run in runs:
        run()
    found, until = [], perf_counter() + SECONDS
    while len(found) < LEAST_TURNS or perf_counter() < until:
        found.append([_least(run) for run in runs])
    return [min(times) for times in zip(*found)]


def _least(run: Callable[[], object]) -> float:
    """Of a turn, long enough for the caches to forget the other's."""
    found, until = [], perf_counter() + TURN_S
    while len(found) < 2 or perf_counter() < until:
        began = perf_counter()
        run()
        found.append((perf_counter() - began) * 1e3)
    return min(found)


def rows(cases: list[Case]) -> Iterator[str]:
    yield "| layer | x | ours ms | PyTorch ms | ours ÷ PyTorch |\n| --- | --- | --- | --- | --- |"
    ratios = []
    for case in cases:
        mine, other = milliseconds(ours(case, np.random.default_rng(0)), pytorchs(case, np.random.default_rng(0)))
        ratios.append(mine / other)
        yield f"| {case.name} | {case.x} | {mine:.3f} | {other:.3f} | {mine / other:.2f} |"
    yield f"| geometric mean of {len(ratios)} | | | | {exp(sum(map(log, ratios)) / len(ratios)):.2f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="Single layers beside PyTorch's, one thread.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="those that hold one of these; none: all")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for row in rows([case for case in CASES if not chosen.names or any(name in case.name for name in chosen.names)]):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
