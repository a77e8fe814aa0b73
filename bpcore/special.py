"""Functions of an array that NumPy lacks.

erf, near a grid point a with d = x − a, is its Taylor series

    erf(a + d) = erf(a) + 2/√π · e^(−a²) · Σ_{n≥1} (−1)ⁿ⁻¹ Hₙ₋₁(a) dⁿ / n!

with the Hermite polynomials H₀ = 1, H₁ = 2a, Hₙ₊₁ = 2a Hₙ − 2n Hₙ₋₁. The grid's values come from
math.erf, once; with |d| ≤ 1/256 two terms are good for float32, five for float64 (error ≤ 4e-16).

Source: NIST Digital Library of Mathematical Functions, equations 7.10.1 and 18.9.1.
"""

import math
from functools import cache

import numpy as np

REACH = 6  # erf(6) is 1 in float64
STEPS = 128  # grid points a unit
BLOCK = 8192  # numbers that stay in the cache together
TERMS = {"float32": 2, "float64": 5}


def erf(x: np.ndarray, out: np.ndarray) -> None:
    """Writes erf(x) = 2/√π ∫₀ˣ e^(−t²) dt into `out`.

    x, out: any one shape, float32 or float64; `out` is C-contiguous and may be x itself.
    """
    np.clip(x, -REACH, REACH, out=out)
    flat, series = out.reshape(-1), _series(out.dtype.name)
    with np.errstate(invalid="ignore"):  # a NaN finds no grid point, and stays one all the same
        for start in range(0, flat.size, BLOCK):
            _expand(flat[start:start + BLOCK], series)


def gate(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """Writes g(x) into `out`, from y = x · g(x) of a g with g(0) = 1/2: a division instead of an array
    kept from forward to backward. All of one shape."""
    out.fill(0.5)
    np.divide(y, x, out=out, where=x != 0)


def _expand(x: np.ndarray, series: np.ndarray) -> None:
    """x ← the series about each number's nearest grid point, by Horner's rule."""
    nearest = np.rint(x * STEPS)
    place = (nearest + REACH * STEPS).astype(np.intp)
    nearest *= 1 / STEPS
    d = x - nearest
    np.take(series[-1], place, mode="clip", out=x)
    for coefficients in series[-2::-1]:
        x *= d
        x += np.take(coefficients, place, mode="clip")


@cache
def _series(dtype: str) -> np.ndarray:
    """(terms + 1, grid points): the series' coefficients about each grid point, the constant first."""
    a = np.arange(-REACH * STEPS, REACH * STEPS + 1) / STEPS
    before, hermite = np.zeros_like(a), np.ones_like(a)
    coefficients = [np.array([math.erf(point) for point in a])]
    for n in range(1, TERMS[dtype] + 1):
        coefficients.append((-1)**(n - 1) * 2 / math.sqrt(math.pi) * np.exp(-a * a) * hermite / math.factorial(n))
        before, hermite = hermite, 2 * a * hermite - 2 * (n - 1) * before
    return np.array(coefficients, dtype)
