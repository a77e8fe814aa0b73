"""Over a row of numbers, a vector at a time: what is read, what is written, and what is joined on the way.

Sums are taken in as many parts as a vector has lanes, and those in pairs: their order depends on the row's length alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

from numba import types
from numba.extending import intrinsic

from bpcore.kernels.vectors import I32, Code, sweep

Fold = tuple[float, Callable[[Code, Any, Any], Any]]


def _larger(code: Code, a: Any, b: Any) -> Any:
    """b, unless a is larger: what is not a number is handed on from b."""
    return code.builder.select(code.builder.fcmp_ordered(">", a, b), a, b)


# What a row without numbers gives, and how two are joined.
SUM: Fold = (0.0, lambda code, a, b: code.builder.fadd(a, b))
LARGEST: Fold = (float("-inf"), _larger)


def walk(function: Callable[..., Sequence[Any]], inputs: int, outputs: int = 0, folds: Sequence[Fold] = ()) -> Callable:
    """An intrinsic (like, addresses, count, numbers) → what is folded, as a tuple.

    Each turn calls function(code, *vectors, *numbers) with a vector of each of the `inputs` first rows and each of the
    numbers in every lane. Of what that gives, the first `outputs` are written to the rows that follow, and each further
    one is joined to those of the turns before. A row may be read and written.
    """

    @intrinsic
    def run(typing, like, addresses, count, numbers):
        def generate(context, builder, signature, arguments):
            _, addresses, count, numbers = arguments
            code = Code(context, builder, signature.args[0])
            rows = [builder.extract_value(addresses, i) for i in range(inputs + outputs)]
            same = [code.everywhere(builder.extract_value(numbers, i)) for i in range(len(signature.args[3]))]

            def turn(here, mask, before):
                found = function(code, *(code.load(builder.add(row, here), mask) for row in rows[:inputs]), *same)
                for vector, row in zip(found, rows[inputs:]):
                    code.store(vector, builder.add(row, here), mask)
                kept = [vector if mask is None else builder.select(mask, vector, code.constant(start))
                        for (start, _), vector in zip(folds, found[outputs:])]
                return [join(code, *pair) for (_, join), *pair in zip(folds, before, kept)]

            joined = sweep(code, count, [code.constant(start) for start, _ in folds], turn)
            whole = [code.fold(lambda a, b: join(code, a, b), vector) for (_, join), vector in zip(folds, joined)]
            return context.make_tuple(builder, signature.return_type, [builder.extract_element(vector, I32(0)) for vector in whole])

        return types.UniTuple(like.dtype, len(folds))(like, addresses, count, numbers), generate

    return run
