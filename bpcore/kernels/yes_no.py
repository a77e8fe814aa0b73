"""sigmoid_cross_entropy and its gradient, a vector at a time: one power of e serves for both, however large a score is."""

from typing import Any

from numba import types

from bpcore.kernels.blocks import address
from bpcore.kernels.compiled import kernel, read
from bpcore.kernels.functions import decay, log1p
from bpcore.kernels.sums import total
from bpcore.kernels.vectors import Code
from bpcore.kernels.walk import walk


def _loss(code: Code, z: Any, t: Any, w: Any) -> list[Any]:
    """(1 + (w − 1) t) log(1 + e^−|z|) + w t max(−z, 0) + (1 − t) max(z, 0): nothing is taken away from its like."""
    return [_both(code, z, t, w)[0]]


def _both(code: Code, z: Any, t: Any, w: Any) -> list[Any]:
    """The same, and (1 + (w − 1) t) σ(z) − w t."""
    b, one, zero = code.builder, code.constant(1), code.constant(0)
    minus, yes, no = b.fneg(z), b.fmul(w, t), b.fsub(one, t)
    is_negative = b.fcmp_ordered("<", z, zero)
    power = decay(code, b.select(is_negative, z, minus))
    weight = b.fadd(yes, no)
    linear = b.select(is_negative, b.fmul(yes, minus), b.fmul(no, z))
    sigmoid = b.fdiv(b.select(is_negative, power, one), b.fadd(one, power))
    return [code.fma(weight, log1p(code, power), linear), b.fsub(b.fmul(weight, sigmoid), yes)]


losses_alone, losses_and_gradient = walk(_loss, 2, outputs=1), walk(_both, 2, outputs=2)


@kernel(lambda real: (read(real, 1, "C"), read(real, 1, "C"), types.float64, real[::1], real[::1]))
def cross_entropy(z, wanted, positive_weight, losses, gradient):
    """The sum of losses, which is returned; losses: −w t log σ(z) − (1 − t) log(1 − σ(z)); gradient: of z, unless it is empty."""
    numbers = (z.dtype.type(positive_weight),)
    if gradient.size:
        losses_and_gradient(z, (address(z), address(wanted), address(losses), address(gradient)), z.size, numbers)
    elif z.size:
        losses_alone(z, (address(z), address(wanted), address(losses)), z.size, numbers)
    return total(losses)
