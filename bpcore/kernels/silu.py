"""x σ(x) and its gradient."""

from typing import Any

from bpcore.kernels.functions import logistic
from bpcore.kernels.pointwise import Pointwise
from bpcore.kernels.vectors import Code


def _ahead(code: Code, x: Any) -> list[Any]:
    return [code.builder.fmul(x, logistic(code, x))]


def _back(code: Code, x: Any, dy: Any) -> list[Any]:
    """dy σ (1 + x (1 − σ))."""
    builder, one, share = code.builder, code.constant(1), logistic(code, x)
    return [builder.fmul(builder.fmul(dy, share), code.fma(x, builder.fsub(one, share), one))]


AHEAD, BACK = Pointwise(_ahead, inputs=1), Pointwise(_back, inputs=2)
