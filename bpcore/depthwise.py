"""The convolution of as many groups as channels: each channel by itself (convolution.py has the general one).

A matrix product has nothing to do here: one place of the window after the other, all channels at once. A
channel with several filters stands beside itself, once for each.
"""

import numpy as np

from bpcore.blocks import blocks
from bpcore.layers import Workspace
from bpcore.sums import channel_sums
from bpcore.windows import Grid


def correlate(w: Workspace, x: np.ndarray, weight: np.ndarray, grid: Grid, y: np.ndarray) -> None:
    """y = x ⋆ weight."""
    y.fill(0)
    for part in blocks(len(y), y[0].size):
        whole, share = grid.padded(w, _beside(x[part], y)), w.temporary("share", y[part].shape)
        for kernel, place in zip(weight.reshape(grid.area, -1), grid.places(whole)):
            np.multiply(place, kernel, out=share)
            y[part] += share


def correlate_weight(w: Workspace, x: np.ndarray, dy: np.ndarray, grid: Grid, dweight: np.ndarray) -> None:
    """dweight = the gradient of ⟨x ⋆ weight, dy⟩ with respect to weight."""
    dweight.fill(0)
    for part in blocks(len(dy), dy[0].size):
        whole, share = grid.padded(w, _beside(x[part], dy)), w.temporary("share", dy[part].shape)
        for total, place in zip(dweight.reshape(grid.area, -1), grid.places(whole)):
            total += channel_sums(np.multiply(place, dy[part], out=share))


def spread(w: Workspace, dy: np.ndarray, weight: np.ndarray, grid: Grid, dx: np.ndarray) -> None:
    """dx = the gradient of ⟨x ⋆ weight, dy⟩ with respect to x."""
    filters = dy.shape[-1] // dx.shape[-1]
    for part in blocks(len(dy), dy[0].size):
        into = dx[part] if filters == 1 else w.temporary("beside", (*dx[part].shape[:-1], dy.shape[-1]))
        whole, share = grid.blank(w, into), w.temporary("share", dy[part].shape)
        for kernel, place in zip(weight.reshape(grid.area, -1), grid.places(whole)):
            place += np.multiply(dy[part], kernel, out=share)
        grid.crop(whole, into)
        if filters > 1:
            np.sum(into.reshape(*dx[part].shape, filters), axis=-1, out=dx[part])


def _beside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x with each channel as often as it has filters in y."""
    filters = y.shape[-1] // x.shape[-1]
    return x if filters == 1 else np.repeat(x, filters, axis=-1)
