"""Functions of each number of a vector, as instructions: eˣ, log(1 + x), tanh and the logistic function.

eˣ = 2ⁿ eʳ with n = round(x / ln 2), eʳ by its Taylor series, as long as the kind of number can tell; relative
errors are within 2 units in the last place. What is not a number stays so. `over` turns a function of vectors into a
loop over arrays.
"""

from collections.abc import Callable, Sequence
from math import factorial, log
from typing import Any

from numba import types
from numba.core.cgutils import ir
from numba.extending import intrinsic

from bpcore.kernels.vectors import Code, sweep

# Bits of a number → those behind the point, the power's offset, terms of the series, ln 2 in two parts of which the
# first times any n is exact, and where eˣ leaves the normal numbers.
KINDS = {32: (23, 127, 7, (0.693359375, -2.12194440e-4), (-87.3, 88.3)),
         64: (52, 1023, 13, (6.93147180369123816490e-01, 1.90821492927058770002e-10), (-708.3, 709.0))}
ONE_FROM = {32: 10.0, 64: 20.0}  # tanh x is 1 or −1
ARTANH_TERMS = {32: 8, 64: 17}  # up to 1/3


def exp(code: Code, x: Any) -> Any:
    return _infinite_above(code, x, decay(code, x))


def decay(code: Code, x: Any) -> Any:
    """eˣ for x up to 0."""
    low = code.constant(KINDS[_bits(code)][4][0])
    return code.builder.select(code.builder.fcmp_ordered("<", x, low), code.constant(0), _finite_exp(code, x))


def logistic(code: Code, x: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    one, minus = code.constant(1), code.builder.fneg(x)
    return code.builder.fdiv(one, code.builder.fadd(one, _infinite_above(code, minus, _finite_exp(code, minus))))


def log1p(code: Code, x: Any) -> Any:
    """log(1 + x) for x in [0, 1]: 2 artanh s with s = x / (x + 2), by its series s + s³/3 + s⁵/5 …"""
    s = code.builder.fdiv(x, code.builder.fadd(x, code.constant(2)))
    square, terms = code.builder.fmul(s, s), ARTANH_TERMS[_bits(code)]
    series = code.constant(2 / (2 * terms + 1))
    for k in range(terms - 1, -1, -1):
        series = code.fma(series, square, code.constant(2 / (2 * k + 1)))
    return code.builder.fmul(s, series)


def _finite_exp(code: Code, x: Any) -> Any:
    """eˣ as long as that is a normal number, behind which it is the last one."""
    scale, fraction = _power(code, _within(code, x, *KINDS[_bits(code)][4]))
    return code.fma(scale, fraction, scale)


def _infinite_above(code: Code, x: Any, power: Any) -> Any:
    high = code.constant(KINDS[_bits(code)][4][1])
    return code.builder.select(code.builder.fcmp_ordered(">", x, high), code.constant(float("inf")), power)


def tanh(code: Code, x: Any) -> Any:
    """d / (d + 2) with d = e²ˣ − 1, which keeps its digits near 0."""
    limit = ONE_FROM[_bits(code)]
    x = _within(code, x, -limit, limit)
    scale, fraction = _power(code, code.builder.fadd(x, x))
    d = code.fma(scale, fraction, code.builder.fsub(scale, code.constant(1)))
    return code.builder.fdiv(d, code.builder.fadd(d, code.constant(2)))


def over(function: Callable[..., Sequence[Any]], inputs: int) -> Callable:
    """An intrinsic: the arrays of `count` numbers behind the first `inputs` addresses at `places` through
    function(code, *vectors), its results to the addresses that follow; an array may be read and written."""

    @intrinsic
    def run(typing, like, places, count):
        def generate(context, builder, signature, arguments):
            _, places, count = arguments
            code = Code(context, builder, signature.args[0])
            sources = [code.word(places, i) for i in range(inputs)]

            def turn(here, mask, _):
                vectors = [code.load(builder.add(source, here), mask) for source in sources]
                for i, vector in enumerate(function(code, *vectors), inputs):
                    code.store(vector, builder.add(code.word(places, i), here), mask)
                return []

            sweep(code, count, [], turn)
            return context.get_dummy_value()

        return types.void(like, types.int64, types.int64), generate

    return run


def _power(code: Code, x: Any) -> tuple[Any, Any]:
    """2ⁿ and eʳ − 1, so that eˣ = 2ⁿ · (1 + the second)."""
    behind, offset, terms, ln2, _ = KINDS[_bits(code)]
    builder, integers = code.builder, ir.VectorType(ir.IntType(_bits(code)), code.lanes)
    # Added to so large a number, what lies behind the point is rounded off, and n stands in the last bits.
    large = 1.5 * 2.0**behind
    moved = code.fma(x, code.constant(1 / log(2)), code.constant(large))
    n = builder.fsub(moved, code.constant(large))
    r = x
    for part in ln2:
        r = code.fma(n, code.constant(-part), r)
    series = code.constant(1 / factorial(terms))
    for k in range(terms - 1, 1, -1):
        series = code.fma(series, r, code.constant(1 / factorial(k)))
    n = builder.add(builder.bitcast(moved, integers), ir.Constant(integers, [offset] * code.lanes))
    scale = builder.bitcast(builder.shl(n, ir.Constant(integers, [behind] * code.lanes)), code.vector)
    return scale, code.fma(builder.fmul(r, r), series, r)


def _within(code: Code, x: Any, low: float, high: float) -> Any:
    for sign, limit in (("<", low), (">", high)):
        x = code.builder.select(code.builder.fcmp_ordered(sign, x, code.constant(limit)), code.constant(limit), x)
    return x


def _bits(code: Code) -> int:
    return 32 if isinstance(code.number, ir.FloatType) else 64
