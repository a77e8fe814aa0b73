"""Each row to length 1 (bpcore/numerics/normalization.py), from memory that is read once.

Sums over rows are of BLOCK of them first, so that long ones keep their digits.
"""

import numpy as np
from numba import types

from bpcore.kernels.blocks import address
from bpcore.kernels.compiled import kernel, read
from bpcore.kernels.walk import SUM, walk

BLOCK = 128  # rows


def _normal(code, x, mean, inverse):
    """x̂."""
    return code.builder.fmul(code.builder.fsub(x, mean), inverse)


def _square(code, x, mean):
    moved = code.builder.fsub(x, mean)
    return [code.builder.fmul(moved, moved)]


def _gathered(code, x, dy, gamma, dgamma, dbeta, mean, inverse):
    """dγ and dβ with what this row adds; γ dy and γ dy x̂."""
    normal, scaled = _normal(code, x, mean, inverse), code.builder.fmul(dy, gamma)
    return [code.fma(dy, normal, dgamma), code.builder.fadd(dbeta, dy), scaled, code.builder.fmul(scaled, normal)]


def _moved(code, x, dy, gamma, mean, inverse, level, slope):
    """(γ dy − level − slope x̂) / √(…)."""
    bent = code.fma(slope, _normal(code, x, mean, inverse), level)
    return [code.builder.fmul(code.builder.fsub(code.builder.fmul(dy, gamma), bent), inverse)]


total = walk(lambda code, x: [x], 1, folds=[SUM])
squares = walk(_square, 1, folds=[SUM])
scale = walk(lambda code, x, gamma, mean, inverse: [code.builder.fmul(_normal(code, x, mean, inverse), gamma)], 2, 1)
scale_and_shift = walk(lambda code, x, gamma, beta, mean, inverse: [code.fma(_normal(code, x, mean, inverse), gamma, beta)], 3, 1)
gather = walk(_gathered, 5, 2, folds=[SUM, SUM])
move = walk(_moved, 3, 1)


@kernel(lambda real: (read(real, 2, "C"), read(real, 1, "C"), read(real, 1, "C"), types.float64, types.boolean, real[::1], real[::1], real[:, ::1]))
def normalize(x, gamma, beta, epsilon, centred, means, inverses, y):
    """y = γ (x − μ) / √(mean of (x − μ)² + ε) + β of each row; unless centred μ is 0 and β not there.

    means, inverses: μ and 1 / √(…) of each row, for what follows.
    """
    size, share, small = x.shape[1], x.dtype.type(1 / x.shape[1]), x.dtype.type(epsilon)
    for i in range(len(x)):
        row, out = address(x) + i * x.strides[0], address(y) + i * y.strides[0]
        mean = total(x, (row,), size, ())[0] * share if centred else x.dtype.type(0)
        inverse = x.dtype.type(1) / np.sqrt(squares(x, (row,), size, (mean,))[0] * share + small)
        means[i], inverses[i] = mean, inverse
        if centred:
            scale_and_shift(x, (row, address(gamma), address(beta), out), size, (mean, inverse))
        else:
            scale(x, (row, address(gamma), out), size, (mean, inverse))


@kernel(lambda real: (read(real, 2, "C"), read(real, 2, "C"), read(real, 1, "C"), types.boolean, read(real, 1, "C"), read(real, 1, "C"),
                      real[::1], real[::1], real[:, ::1]))
def gradients(x, dy, gamma, centred, means, inverses, dgamma, dbeta, dx):
    """dγ = Σ dy x̂ and dβ = Σ dy over the rows; dx = (γ dy − mean of γ dy − x̂ · mean of γ dy x̂) / √(…), unless that is
    empty. dβ is written in any case."""
    size, share, zero = x.shape[1], x.dtype.type(1 / x.shape[1]), x.dtype.type(0)
    first, second = np.empty_like(dgamma), np.empty_like(dgamma)
    factor, scales, shifts = address(gamma), address(first), address(second)
    dgamma[:], dbeta[:] = zero, zero
    for start in range(0, len(x), BLOCK):
        first[:], second[:] = zero, zero
        for i in range(start, min(start + BLOCK, len(x))):
            row, drow, mean, inverse = address(x) + i * x.strides[0], address(dy) + i * dy.strides[0], means[i], inverses[i]
            level, slope = gather(x, (row, drow, factor, scales, shifts, scales, shifts), size, (mean, inverse))
            if dx.size:
                level = level if centred else zero
                move(x, (row, drow, factor, address(dx) + i * dx.strides[0]), size, (mean, inverse, level * share, slope * share))
        for c in range(size):
            dgamma[c] += first[c]
            dbeta[c] += second[c]
