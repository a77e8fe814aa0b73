"""x Φ(x) and its gradient: with the normal distribution function Φ, or as GPT-2 takes it.

Φ(−z) = e^(−z²/2) m(z) for z ≥ 0, where m, the Mills ratio by √(2π), is smooth: a polynomial in 1 / (1 + 0.3 z), fitted
when this file is loaded. So the smallest values keep their digits, and one exponential serves Φ and its derivative.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from bpcore.kernels.functions import decay, logistic
from bpcore.kernels.pointwise import Pointwise
from bpcore.kernels.vectors import Code

BEND = 0.3
FITS = {32: (8, 13.5), 64: (20, 37.0)}  # bits of a number → the degree, and the z from where on Φ(−z) is nothing
CUBIC, STEEP = 0.044715, math.sqrt(8 / math.pi)


def _normal(code: Code, x: Any) -> tuple[Any, Any]:
    """Φ(x), Φ′(x)."""
    builder, one = code.builder, code.constant(1)
    negative = builder.fcmp_ordered("<", x, code.constant(0))
    z = builder.select(negative, builder.fneg(x), x)
    bell = decay(code, builder.fmul(builder.fmul(x, x), code.constant(-0.5)))
    tail = builder.fmul(bell, _mills(code, builder.fdiv(one, code.fma(z, code.constant(BEND), one))))
    return builder.select(negative, tail, builder.fsub(one, tail)), builder.fmul(bell, code.constant(1 / math.sqrt(2 * math.pi)))


def _mills(code: Code, t: Any) -> Any:
    offset, scale, coefficients = _fitted(code.bits)
    u = code.fma(t, code.constant(scale), code.constant(offset))
    total = code.constant(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = code.fma(total, u, code.constant(coefficient))
    return total


@cache
def _fitted(bits: int) -> tuple[float, float, list[float]]:
    """The polynomial's coefficients in u = offset + scale · t, which runs from −1 to 1."""
    degree, limit = FITS[bits]
    fit = Chebyshev.interpolate(np.vectorize(_ratio), degree, [1 / (1 + BEND * limit), 1])
    polynomial = fit.convert(kind=Polynomial, domain=fit.domain, window=fit.window)
    return *map(float, polynomial.mapparms()), polynomial.coef.tolist()


def _ratio(t: float) -> float:
    """Φ(−z) e^(z²/2) for t = 1 / (1 + 0.3 z)."""
    z = (1 / t - 1) / BEND
    return math.erfc(z / math.sqrt(2)) / 2 * math.exp(z * z / 2)


def _by_tanh(code: Code, x: Any) -> tuple[Any, Any]:
    """(1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 = σ(√(8/π) (x + 0.044715 x³)), and its derivative."""
    builder, one, square = code.builder, code.constant(1), code.builder.fmul(x, x)
    bent = code.fma(builder.fmul(square, x), code.constant(CUBIC * STEEP), builder.fmul(x, code.constant(STEEP)))
    share = logistic(code, bent)
    slope = code.fma(square, code.constant(3 * CUBIC * STEEP), code.constant(STEEP))
    return share, builder.fmul(builder.fmul(share, builder.fsub(one, share)), slope)


def _ahead(code: Code, x: Any) -> list[Any]:
    return [code.builder.fmul(x, _normal(code, x)[0])]


def _back(code: Code, x: Any, dy: Any) -> list[Any]:
    share, slope = _normal(code, x)
    return [code.builder.fmul(dy, code.fma(x, slope, share))]


def _ahead_by_tanh(code: Code, x: Any) -> list[Any]:
    return [code.builder.fmul(x, _by_tanh(code, x)[0])]


def _back_by_tanh(code: Code, x: Any, dy: Any) -> list[Any]:
    share, slope = _by_tanh(code, x)
    return [code.builder.fmul(dy, code.fma(x, slope, share))]


# By the layer's `approximate`: y of x, and dx of x and dy.
AHEAD = {"none": Pointwise(_ahead, inputs=1), "tanh": Pointwise(_ahead_by_tanh, inputs=1)}
BACK = {"none": Pointwise(_back, inputs=2), "tanh": Pointwise(_back_by_tanh, inputs=2)}
