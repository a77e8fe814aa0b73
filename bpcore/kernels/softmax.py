"""softmax and its logarithm, row by row, and their gradients: a row stays in the cache while it is looked at."""

import numpy as np

from bpcore.kernels.blocks import address
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.functions import decay
from bpcore.kernels.walk import LARGEST, SUM, walk


def _power(code, x, highest):
    power = decay(code, code.builder.fsub(x, highest))
    return [power, power]


def _less(code, x, number):
    return [code.builder.fsub(x, number)]


def _product(code, y, dy):
    return [code.builder.fmul(y, dy)]


def _back(code, y, dy, total):
    return [code.builder.fmul(y, code.builder.fsub(dy, total))]


def _log_back(code, y, dy, total):
    return [code.fma(decay(code, y), code.builder.fneg(total), dy)]


highest_of = walk(lambda code, x: [x], 1, folds=[LARGEST])
powers = walk(_power, 1, 1, folds=[SUM])
total_of_powers = walk(lambda code, x, highest: _power(code, x, highest)[:1], 1, folds=[SUM])
scale = walk(lambda code, x, factor: [code.builder.fmul(x, factor)], 1, 1)
subtract = walk(_less, 1, 1)
total_of = walk(lambda code, x: [x], 1, folds=[SUM])
total_of_products = walk(_product, 2, folds=[SUM])
move, move_by_log = walk(_back, 2, 1), walk(_log_back, 2, 1)


@helper
def exponentials(x, row, out, count):
    """max x and Σ e^(x − max x) of a row; the powers to `out` unless that is 0."""
    highest = highest_of(x, (row,), count, ())[0]
    if out:
        return highest, powers(x, (row, out), count, (highest,))[0]
    return highest, total_of_powers(x, (row,), count, (highest,))[0]


@kernel(lambda real: (read(real, 2, "C"), real[:, ::1]))
def softmax(x, y):
    for i in range(len(x)):
        out = address(y) + i * y.strides[0]
        _, total = exponentials(x, address(x) + i * x.strides[0], out, x.shape[1])
        scale(x, (out, out), x.shape[1], (x.dtype.type(1) / total,))


@kernel(lambda real: (read(real, 2, "C"), read(real, 2, "C"), real[:, ::1]))
def softmax_back(y, dy, dx):
    """dx = y (dy − Σ dy y)."""
    for i in range(len(y)):
        row, drow = address(y) + i * y.strides[0], address(dy) + i * dy.strides[0]
        total = total_of_products(y, (row, drow), y.shape[1], ())[0]
        move(y, (row, drow, address(dx) + i * dx.strides[0]), y.shape[1], (total,))


@kernel(lambda real: (read(real, 2, "C"), real[:, ::1]))
def log_softmax(x, y):
    for i in range(len(x)):
        row, out = address(x) + i * x.strides[0], address(y) + i * y.strides[0]
        highest, total = exponentials(x, row, 0, x.shape[1])
        subtract(x, (row, out), x.shape[1], (highest,))
        subtract(x, (out, out), x.shape[1], (np.log(total),))


@kernel(lambda real: (read(real, 2, "C"), read(real, 2, "C"), real[:, ::1]))
def log_softmax_back(y, dy, dx):
    """dx = dy − e^y Σ dy."""
    for i in range(len(y)):
        drow = address(dy) + i * dy.strides[0]
        total = total_of(dy, (drow,), y.shape[1], ())[0]
        move_by_log(y, (address(y) + i * y.strides[0], drow, address(dx) + i * dx.strides[0]), y.shape[1], (total,))
