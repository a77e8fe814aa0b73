"""One step of the gates of lstm, gru and rnn, and its way back: all numbers of a unit at once, in registers.

Formulas and names are those of the layers. Rows are samples; gates lie side by side, (n, gates · units), and the rows
of every array are without gaps.
"""

import numpy as np

from bpcore.kernels.blocks import address
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.functions import logistic, over, tanh
from bpcore.kernels.vectors import Code


def _lstm(code: Code, i, f, g, o, before):
    i, f, o, g = logistic(code, i), logistic(code, f), logistic(code, o), tanh(code, g)
    c = code.fma(f, before, code.builder.fmul(i, g))
    tanh_c = tanh(code, c)
    return i, f, g, o, c, tanh_c, code.builder.fmul(o, tanh_c)


def _lstm_back(code: Code, i, f, g, o, before, tanh_c, dh, dc):
    times, one = code.builder.fmul, code.constant(1)
    dc = code.fma(times(dh, o), code.builder.fsub(one, times(tanh_c, tanh_c)), dc)
    di, df, do = (_through(code, gate, times(d, other)) for gate, d, other in ((i, dc, g), (f, dc, before), (o, dh, tanh_c)))
    dg = times(times(dc, i), code.builder.fsub(one, times(g, g)))
    return di, df, dg, do, times(dc, f)


def _gru(code: Code, r, z, n, product_r, product_z, product_n, before):
    r, z = (logistic(code, code.builder.fadd(*both)) for both in ((r, product_r), (z, product_z)))
    n = tanh(code, code.fma(r, product_n, n))
    return r, z, n, code.fma(z, code.builder.fsub(before, n), n)


def _gru_back(code: Code, r, z, n, product_n, before, dh):
    times, minus, one = code.builder.fmul, code.builder.fsub, code.constant(1)
    dn = times(times(dh, minus(one, z)), minus(one, times(n, n)))
    dz = _through(code, z, times(minus(before, n), dh))
    dr = _through(code, r, times(dn, product_n))
    return dr, dz, dn, dr, dz, times(dn, r), times(dh, z)


def _through(code: Code, gate, d):
    """A gate's gradient as its sum's: d · gate · (1 − gate)."""
    return code.builder.fmul(d, code.builder.fmul(gate, code.builder.fsub(code.constant(1), gate)))


_lstm_units, _lstm_units_back = over(_lstm, 5), over(_lstm_back, 8)
_gru_units, _gru_units_back = over(_gru, 7), over(_gru_back, 6)
_tanh_units = over(lambda code, x: [tanh(code, x)], 1)


@helper
def _gates(places, at, array, row, count):
    """Puts down, from place `at` on, where each of `count` gates of a row starts; returns the place behind."""
    width = array.shape[1] // count * array.itemsize
    for i in range(count):
        places[at + i] = address(array) + row * array.strides[0] + i * width
    return at + count


@kernel(lambda real: (real[:, :], read(real, 2), real[:, :], real[:, :], real[:, :]))
def lstm(gates, before, c, tanh_c, h):
    """gates: sums, then (i, f, g, o); before: c of the step before; the others are written."""
    places = np.empty(12, np.int64)
    for row in range(len(gates)):
        at = _gates(places, 0, gates, row, 4)
        at = _gates(places, at, before, row, 1)
        at = _gates(places, at, gates, row, 4)
        for array in (c, tanh_c, h):
            at = _gates(places, at, array, row, 1)
        _lstm_units(gates, address(places), gates.shape[1] // 4)


@kernel(lambda real: (real[:, :], read(real, 2), read(real, 2), read(real, 2), real[:, :]))
def lstm_back(gates, before, tanh_c, dh, dc):
    """gates: (i, f, g, o), then the gradients of their sums; dc: of c after the step, then before it."""
    places = np.empty(13, np.int64)
    for row in range(len(gates)):
        at = _gates(places, 0, gates, row, 4)
        for array in (before, tanh_c, dh):
            at = _gates(places, at, array, row, 1)
        at = _gates(places, at, dc, row, 1)
        at = _gates(places, at, gates, row, 4)
        _gates(places, at, dc, row, 1)
        _lstm_units_back(gates, address(places), gates.shape[1] // 4)


@kernel(lambda real: (real[:, :], read(real, 2), read(real, 2), real[:, :]))
def gru(gates, product, before, h):
    """gates: the inputs' sums, then (r, z, n); product: the state's sums; before, h: the state."""
    places = np.empty(11, np.int64)
    for row in range(len(gates)):
        at = _gates(places, 0, gates, row, 3)
        at = _gates(places, at, product, row, 3)
        at = _gates(places, at, before, row, 1)
        at = _gates(places, at, gates, row, 3)
        _gates(places, at, h, row, 1)
        _gru_units(gates, address(places), gates.shape[1] // 3)


@kernel(lambda real: (real[:, :], real[:, :], read(real, 2), real[:, :]))
def gru_back(gates, product, before, dh):
    """gates and product: as `gru` left them, then the gradients of both sums; dh: of h, then the part of the gradient of
    the state before that does not come through `product`."""
    places = np.empty(13, np.int64)
    for row in range(len(gates)):
        at = _gates(places, 0, gates, row, 3)
        places[at] = address(product) + row * product.strides[0] + product.shape[1] // 3 * 2 * product.itemsize
        at = _gates(places, at + 1, before, row, 1)
        at = _gates(places, at, dh, row, 1)
        at = _gates(places, at, gates, row, 3)
        at = _gates(places, at, product, row, 3)
        _gates(places, at, dh, row, 1)
        _gru_units_back(gates, address(places), gates.shape[1] // 3)


@kernel(lambda real: (read(real, 2), real[:, :]))
def rnn(sums, h):
    """h = tanh(sums)."""
    places = np.empty(2, np.int64)
    for row in range(len(sums)):
        _gates(places, _gates(places, 0, sums, row, 1), h, row, 1)
        _tanh_units(h, address(places), sums.shape[1])
