"""Where windows lie over an input: the arithmetic that convolutions and pools share, on any number of axes.

A Grid is geometry alone. Window i of an axis starts at i · stride − before and holds `window` places, `dilation`
apart. Padding `valid`: whole windows only. `same`: margins for ⌈size / stride⌉ windows, the odd place behind. Numbers:
so many places at both ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import gcd, prod

from bpcore import shapes
from bpcore.shapes import Shape

AXES = {1: ("length",), 2: ("height", "width")}


@dataclass(frozen=True)
class Grid:
    """All windows over one input; each field has a number an axis. `counts`: how many windows."""

    sizes: Shape
    window: Shape
    stride: Shape
    dilation: Shape
    before: Shape
    counts: Shape

    @property
    def area(self) -> int:
        """Places in a window."""
        return prod(self.window)

    @property
    def reach(self) -> Shape:
        """How far a window reaches, from its first place to its last."""
        return tuple(extent(length, gap) for length, gap in zip(self.window, self.dilation))

    @property
    def tiles(self) -> bool:
        """Whether every place of the input lies in one window and no more."""
        return self.window == self.stride and self.sizes == tuple(count * step for count, step in zip(self.counts, self.stride)) \
            and max(self.dilation) == 1 and not any(self.before)

    @property
    def plane(self) -> "Grid":
        """The same on two axes; of one axis a single row."""
        if len(self.sizes) == 2:
            return self
        axis = zip((1, 1, 1, 1, 0, 1), (self.sizes, self.window, self.stride, self.dilation, self.before, self.counts))
        return Grid(*((first, *numbers) for first, numbers in axis))

    @property
    def lengths(self) -> Shape:
        """The sizes with margins, in which every window is whole."""
        return tuple(max(before + size, (count - 1) * step + reach) for before, size, count, step, reach
                     in zip(self.before, self.sizes, self.counts, self.stride, self.reach))

    def transposed(self) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...], "Grid | None"]]:
        """The windows of outputs that an input lies in. With a stride these are of a kind each for inputs s apart.

        For each kind: which inputs, which places of the window reach them, back to front, and where these windows
        lie over the outputs; None where no window reaches them.
        """
        axes = zip(self.sizes, self.window, self.stride, self.dilation, self.before)
        for kinds in product(*(list(_kinds(*axis)) for axis in axes)):
            inputs, places, windows = zip(*kinds)
            grids = None if None in windows else Grid(self.counts, *zip(*windows))
            yield inputs, places, grids


def grid(sizes: Shape, window: Shape, stride: Shape, padding: str | Shape, dilation: Shape | None = None,
         hint: str = "use a smaller window") -> Grid:
    """The windows over an input of `sizes`. Raises ShapeError where not even one fits."""
    dilation = dilation or (1,) * len(sizes)
    reach = [extent(length, gap) for length, gap in zip(window, dilation)]
    if padding == "same":
        counts = tuple(-(-size // step) for size, step in zip(sizes, stride))
        before = tuple(max(0, (count - 1) * step + length - size) // 2 for count, step, length, size in zip(counts, stride, reach, sizes))
        return Grid(sizes, window, stride, dilation, before, counts)
    before = (0,) * len(sizes) if padding == "valid" else padding
    axes = [f"padded {axis}" if margin else axis for axis, margin in zip(AXES[len(sizes)], before)]
    counts = tuple(shapes.windows(size + 2 * margin, length, step, axis, hint)
                   for size, margin, length, step, axis in zip(sizes, before, reach, stride, axes))
    return Grid(sizes, window, stride, dilation, before, counts)


def _kinds(size: int, window: int, stride: int, dilation: int, before: int) -> Iterator[tuple[slice, slice, tuple | None]]:
    """Of one axis: inputs `stride` apart, the places that reach them, back to front, and (window, stride, dilation,
    before, count) of these places over the outputs."""
    common = gcd(stride, dilation)
    for first in range(min(stride, size)):
        inputs, reached = slice(first, None, stride), [u for u in range(window) if (first + before - u * dilation) % stride == 0]
        if not reached:
            yield inputs, slice(0), None
            continue
        last = (first + before - reached[-1] * dilation) // stride  # output of the first input, by its last place
        places = slice(reached[-1], reached[0] - 1 if reached[0] else None, -stride // common)
        yield inputs, places, (len(reached), 1, dilation // common, -last, len(range(size)[inputs]))


def extent(window: int, dilation: int) -> int:
    """How far a window reaches, from its first place to its last."""
    return (window - 1) * dilation + 1
