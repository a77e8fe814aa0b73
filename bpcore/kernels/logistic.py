"""1 / (1 + e⁻ˣ) and its gradient."""

from typing import Any

from bpcore.kernels.functions import logistic
from bpcore.kernels.pointwise import Pointwise
from bpcore.kernels.vectors import Code


def _logistic(code: Code, x: Any) -> list[Any]:
    return [logistic(code, x)]


def _logistic_back(code: Code, y: Any, dy: Any) -> list[Any]:
    """dy y (1 − y)."""
    return [code.builder.fmul(dy, code.builder.fmul(y, code.builder.fsub(code.constant(1), y)))]


AHEAD, BACK = Pointwise(_logistic, inputs=1), Pointwise(_logistic_back, inputs=2)
