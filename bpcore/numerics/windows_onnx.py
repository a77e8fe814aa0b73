"""Layers over windows and channels in ONNX operators, whose channels are axis 1; ours are the last."""

from typing import Any

from bpcore.layers import Operators
from bpcore.numerics.windows import Grid


def channels_first(g: Operators, x: str, axes: int) -> str:
    """`axes`: of a sample, the channels counted."""
    return g.op("Transpose", x, perm=[0, axes, *range(1, axes)]) if axes > 1 else x


def channels_last(g: Operators, x: str, axes: int) -> str:
    return g.op("Transpose", x, perm=[0, *range(2, axes + 1), 1]) if axes > 1 else x


def over_windows(g: Operators, kind: str, x: str, grid: Grid, *constants: str, **attributes: Any) -> str:
    """A convolution or a pool: what `kind` makes of every window of x."""
    behind = [length - size - before for length, size, before in zip(grid.lengths, grid.sizes, grid.before)]
    y = g.op(kind, channels_first(g, x, len(grid.sizes) + 1), *constants, kernel_shape=list(grid.window), strides=list(grid.stride),
             dilations=list(grid.dilation), pads=[*grid.before, *(max(0, size) for size in behind)], **attributes)
    return channels_last(g, y, len(grid.sizes) + 1)
