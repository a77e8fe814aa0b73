"""Functions of each number of a vector, as instructions: eˣ, tanh and the logistic function.

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

from bpcore.kernels.vectors import I64, Code, Loop

# Bits of a number → those behind the point, the power's offset, terms of the series, ln 2 in two parts of which the
# first times any n is exact, and where eˣ leaves the normal numbers.
KINDS = {32: (23, 127, 7, (0.693359375, -2.12194440e-4), (-87.3, 88.3)),
         64: (52, 1023, 13, (6.93147180369123816490e-01, 1.90821492927058770002e-10), (-708.3, 709.0))}
ONE_FROM = {32: 10.0, 64: 20.0}  # tanh x is 1 or −1


def exp(code: Code, x: Any) -> Any:
    low, high = KINDS[_bits(code)][4]
    scale, fraction = _power(code, _within(code, x, low, high))
    y = code.fma(scale, fraction, scale)
    y = code.builder.select(code.builder.fcmp_ordered("<", x, code.constant(low)), code.constant(0), y)
    return code.builder.select(code.builder.fcmp_ordered(">", x, code.constant(high)), code.constant(float("inf")), y)


def logistic(code: Code, x: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    one = code.constant(1)
    return code.builder.fdiv(one, code.builder.fadd(one, exp(code, code.builder.fsub(code.constant(-0.0), x))))


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
            size = code.lanes * (_bits(code) // 8)
            turns = builder.sdiv(builder.add(count, I64(code.lanes - 1)), I64(code.lanes))
            loop = Loop(builder, turns, [])
            mask = code.first(builder.sub(count, builder.mul(loop.i, I64(code.lanes))))
            here = builder.mul(loop.i, I64(size))
            vectors = [code.load(builder.add(code.word(places, i), here), mask) for i in range(inputs)]
            for i, vector in enumerate(function(code, *vectors), inputs):
                code.store(vector, builder.add(code.word(places, i), here), mask)
            loop.end([])
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
