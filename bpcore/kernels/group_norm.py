"""group_norm, a sample after the other: batch_norm's passes over its channels, whose statistics are joined to groups'."""

import numpy as np
from numba import types

from bpcore.kernels import batch_norm
from bpcore.kernels.channels import repeated
from bpcore.kernels.compiled import helper, kernel, read

_moments, _normalize, _gradient_sums = (helper(pass_.function) for pass_ in (batch_norm.moments, batch_norm.normalize, batch_norm.gradient_sums))


@kernel(lambda real: (read(real, 2, "C"), read(real, 1, "C"), read(real, 1, "C"), types.int64, types.float64, *[real[:, ::1]] * 3))
def normalize(x, gamma, beta, groups, epsilon, means, inverses, y):
    """y = γ (x − μ) / √(σ² + ε) + β. x, y: (n, places · channels); means, inverses: (n, channels), μ and 1 / √(…) of each
    channel's group, for what follows."""
    channels = len(gamma)
    mean, squares, factor = np.empty(channels), np.empty(channels), np.empty_like(gamma)
    for i in range(len(x)):
        _moments(x[i], mean, squares)
        _join(mean, squares, groups, x.shape[1] // channels)
        for c in range(channels):
            means[i, c] = mean[c]
            inverses[i, c] = 1 / np.sqrt(squares[c] + epsilon)
            factor[c] = gamma[c] * inverses[i, c]
        _normalize(x[i], means[i], factor, beta, False, y[i])


@kernel(lambda real: (read(real, 2, "C"), read(real, 2, "C"), read(real, 1, "C"), types.int64, read(real, 2, "C"), read(real, 2, "C"),
                      real[::1], real[::1], real[:, ::1]))
def gradients(x, dy, gamma, groups, means, inverses, dgamma, dbeta, dx):
    """dγ = Σ dy x̂ and dβ = Σ dy; dx = (γ dy − mean of γ dy − x̂ · mean of γ dy x̂) / √(…), the means over a group of a
    sample, unless that is empty. Shapes as in `normalize`."""
    channels, places = len(gamma), x.shape[1] // len(gamma)
    total, product, scales, shifts = np.empty(channels), np.empty(channels), np.zeros(channels), np.zeros(channels)
    level, slope = np.empty_like(gamma), np.empty_like(gamma)
    for i in range(len(x)):
        _gradient_sums(dy[i], x[i], means[i], gamma, gamma, False, total, product)
        for c in range(channels):
            scales[c] += product[c] * inverses[i, c]
            shifts[c] += total[c]
        if dx.size:
            _average(total, product, gamma, inverses[i], groups, places, level, slope)
            _gradient(dy[i], x[i], means[i], inverses[i], gamma, level, slope, dx[i])
    for c in range(channels):
        dgamma[c], dbeta[c] = scales[c], shifts[c]


@helper
def _join(mean, squares, groups, places):
    """From each channel's μ and Σ (x − μ)² to μ and σ² of its group."""
    each = len(mean) // groups
    for first in range(0, len(mean), each):
        whole, variance = 0.0, 0.0
        for c in range(first, first + each):
            whole += mean[c] / each
        for c in range(first, first + each):
            variance += (squares[c] / places + (mean[c] - whole) * (mean[c] - whole)) / each
        for c in range(first, first + each):
            mean[c], squares[c] = whole, variance


@helper
def _average(total, product, gamma, inverse, groups, places, level, slope):
    """level: the mean of γ dy over each channel's group; slope: that of γ dy x̂, by √(…)."""
    each = len(gamma) // groups
    for first in range(0, len(gamma), each):
        low, steep = 0.0, 0.0
        for c in range(first, first + each):
            low += gamma[c] * total[c] / (each * places)
            steep += gamma[c] * product[c] / (each * places)
        for c in range(first, first + each):
            level[c], slope[c] = low, steep * inverse[c] * inverse[c]


@helper
def _gradient(dy, x, mean, inverse, gamma, level, slope, dx):
    """dx = (γ dy − level − (x − mean) · slope) · inverse, each of a channel."""
    about, times, factor, less, steep = repeated(mean, x), repeated(inverse, x), repeated(gamma, x), repeated(level, x), repeated(slope, x)
    for i in range(0, len(x), len(about)):
        row, drow, out = x[i:i + len(about)], dy[i:i + len(about)], dx[i:i + len(about)]
        for j in range(len(row)):
            out[j] = (drow[j] * factor[j] - less[j] - (row[j] - about[j]) * steep[j]) * times[j]
