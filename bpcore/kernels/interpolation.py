"""The constants of Winograd's convolution F(m, r): m numbers of y = x ⋆ w for a window of r, with m + r − 1 = 6 products.

y = Aᵀ [(G w) ⊙ (Bᵀ x)], by evaluating and interpolating polynomials at POINTS and at infinity (Toom and Cook). These
points err a quarter as much in float32 as 0, ±1, ±2. Sources: Winograd, "Arithmetic complexity of computations",
1980; Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016; Barabasz et al., "Error analysis
and improving the accuracy of Winograd convolution for deep neural networks", ACM TOMS 46:4, 2020.
"""

from math import prod

import numpy as np

POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
REACH = len(POINTS) + 1

Matrix = tuple[tuple[float, ...], ...]


def a(m: int) -> Matrix:
    """(6, m): the powers of each point; of infinity the highest alone."""
    return (*(tuple(point**power for power in range(m)) for point in POINTS), (0.0,) * (m - 1) + (1.0,))


def g(r: int) -> Matrix:
    """(6, r): the same, divided by the point's distances from all others."""
    distances = [prod(point - other for other in POINTS if other != point) for point in POINTS]
    return tuple(tuple(power / distance for power in powers) for powers, distance in zip(a(r), [*distances, 1.0]))


def b() -> Matrix:
    """(6, 6): the coefficients, lowest first, of the polynomials that vanish at all points but one, and at all."""
    rows = [np.poly([other for other in POINTS if other != point])[::-1].tolist() + [0.0] for point in POINTS]
    return transposed((*rows, np.poly(POINTS)[::-1].tolist()))


def transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix))
