"""Cross-correlation, its transpose and its gradient, channels-last, on one axis or two: what conv1d, conv2d and
conv_transpose2d are made of.

1. x: (n, *sizes, in), weight: (*window, in / groups, filters), y: (n, *counts, filters). Output f belongs to
   group ⌊f · groups / filters⌋ and sees the channels of that group alone.
2. As many groups as channels are depthwise.py's. Others are taken in sets that fill a vector, as views, on two axes: a
   set's weight is dense, with zeros between its groups (so what is not a number spreads over a set).
"""

from collections.abc import Iterator

import numpy as np

from bpcore.errors import ShapeError, expected
from bpcore.layers import Workspace
from bpcore.numerics import depthwise, planar
from bpcore.numerics.windows import Grid


def check_groups(groups: int, channels: int, filters: int) -> None:
    """Raises ShapeError unless both can be divided into so many groups."""
    for what, number in (("channels of the input", channels), ("filters", filters)):
        if number % groups:
            raise ShapeError(expected(f"a number of {what} that {groups} groups divide", number, "change groups or filters"))


def correlate(w: Workspace, x: np.ndarray, weight: np.ndarray, grid: Grid, groups: int, y: np.ndarray,
              bias: np.ndarray | None = None) -> None:
    """y = x ⋆ weight + bias."""
    bias = np.empty(0, y.dtype) if bias is None else bias
    x, weight, y = _plane(x), _square(weight), _plane(y)
    if groups == x.shape[-1] > 1:
        return depthwise.correlate(w, x, weight, bias, grid.plane, y)
    dense = _dense(w, weight, groups, _together(w, groups, x, y))
    for channels, filters in _sets(w, groups, x, y):
        planar.correlate(w, x[..., channels], dense[..., filters], bias[filters], grid.plane, y[..., filters])


def correlate_weight(w: Workspace, x: np.ndarray, dy: np.ndarray, grid: Grid, groups: int, dweight: np.ndarray) -> None:
    """dweight = the gradient of ⟨x ⋆ weight, dy⟩ with respect to weight."""
    x, dy, dweight = _plane(x), _plane(dy), _square(dweight)
    if groups == x.shape[-1] > 1:
        return depthwise.correlate_weight(w, x, dy, grid.plane, dweight)
    together = _together(w, groups, x, dy)
    dense = dweight if together == 1 else w.temporary("dense", (*dweight.shape[:2], together * dweight.shape[2], dweight.shape[3]))
    for channels, filters in _sets(w, groups, x, dy):
        planar.correlate_weight(w, x[..., channels], dy[..., filters], grid.plane, dense[..., filters])
    if together > 1:
        for own, place in _own(dweight, dense, groups, together):
            own[...] = place


def spread(w: Workspace, dy: np.ndarray, weight: np.ndarray, grid: Grid, groups: int, dx: np.ndarray) -> None:
    """dx = the gradient of ⟨x ⋆ weight, dy⟩ with respect to x: the transpose of `correlate`.

    That is a correlation of dy with the windows back to front; with a stride s one for each of the s ways that
    pixels of x lie in their windows.
    """
    none, kinds = np.empty(0, dx.dtype), list(grid.plane.transposed())
    dy, weight, dx = _plane(dy), _square(weight), _plane(dx)
    if groups < dx.shape[-1]:
        weight = _dense(w, weight, groups, _together(w, groups, dx, dy))
    if any(windows is None for *_, windows in kinds):
        dx.fill(0)
    for pixels, places, windows in kinds:
        if windows is None:
            continue
        part, turned = dx[:, *pixels], weight[places]
        if groups == dx.shape[-1] > 1:
            depthwise.spread(w, dy, turned, windows, part)
            continue
        for channels, filters in _sets(w, groups, dx, dy):
            planar.correlate(w, dy[..., filters], turned[..., filters].swapaxes(2, 3), none, windows, part[..., channels])


def _together(w: Workspace, groups: int, x: np.ndarray, y: np.ndarray) -> int:
    """Groups of a set: as many as fit in a vector, of those that divide them all."""
    most = max(1, planar.lanes(w) * groups // max(x.shape[-1], y.shape[-1]))
    return next(count for count in range(min(most, groups), 0, -1) if groups % count == 0)


def _sets(w: Workspace, groups: int, x: np.ndarray, y: np.ndarray) -> Iterator[tuple[slice, slice]]:
    """Of each set its channels of x and its filters of y."""
    sets = groups // _together(w, groups, x, y)
    one, many = x.shape[-1] // sets, y.shape[-1] // sets
    for i in range(sets):
        yield slice(i * one, (i + 1) * one), slice(i * many, (i + 1) * many)


def _dense(w: Workspace, weight: np.ndarray, groups: int, together: int) -> np.ndarray:
    """The weight (u, v, in / sets, filters) of sets."""
    if together == 1:
        return weight
    dense = w.temporary("dense", (*weight.shape[:2], together * weight.shape[2], weight.shape[3]))
    dense.fill(0)
    for own, place in _own(weight, dense, groups, together):
        place[...] = own
    return dense


def _own(weight: np.ndarray, dense: np.ndarray, groups: int, together: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Views (u, v, in / groups, sets, filters of a group) of a group of all sets in turn: in `weight` and in `dense`."""
    high, wide, channels, filters = weight.shape
    own = weight.reshape(high, wide, channels, groups // together, together, filters // groups)
    placed = dense.reshape(high, wide, together, channels, groups // together, together, filters // groups)
    for i in range(together):
        yield own[:, :, :, :, i], placed[:, :, i, :, :, i]


def _plane(array: np.ndarray) -> np.ndarray:
    """(n, height, width, channels); of one axis a single row."""
    return array if array.ndim == 4 else array[:, None]


def _square(weight: np.ndarray) -> np.ndarray:
    return weight if weight.ndim == 4 else weight[None]
