"""relu, also behind a sum, and its gradient, in one pass; outputs may be inputs."""

from typing import Any

from bpcore.kernels.pointwise import Pointwise
from bpcore.kernels.vectors import Code


def rectified(code: Code, x: Any) -> list[Any]:
    """What is not a number stays so."""
    return [code.builder.select(code.builder.fcmp_ordered("<", x, code.constant(0)), code.constant(0), x)]


def _rectified_sum(code: Code, a: Any, b: Any) -> list[Any]:
    return rectified(code, code.builder.fadd(a, b))


def _gradient(code: Code, dy: Any, y: Any) -> list[Any]:
    """dy where y > 0, else 0."""
    return [code.builder.select(code.builder.fcmp_ordered(">", y, code.constant(0)), dy, code.constant(0))]


RELU, ADD, GRADIENT = Pointwise(rectified, inputs=1), Pointwise(_rectified_sum, inputs=2), Pointwise(_gradient, inputs=2)
