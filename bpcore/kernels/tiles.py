"""The inside of a matrix product, as instructions: a tile of c summed in registers, and the turning over of blocks.

Rules as in vectors.py. A strip is a vector's width of a matrix, one row behind the other.
"""

from collections.abc import Callable

from numba import types
from numba.core.cgutils import ir
from numba.extending import intrinsic

from bpcore.kernels.vectors import BYTES, I32, I64, Code, Loop

HEIGHT = 8 if BYTES == 64 else 4


def _tile(height: int, width: int) -> Callable:
    """c[r, j] = start[r, j] + Σ_k a[r, k] · b[k, j] for `rows` ≤ height rows and `columns` numbers, which need `width` vectors.

    *_row: from row to row; *_term: from k to k; b_strip: from b's first vector to its second. Rows that are missing
    are the last one again.
    """

    @intrinsic
    def tile(typing, like, rows, columns, terms, a, a_row, a_term, b, b_term, b_strip, start, start_row, c, c_row):
        def generate(context, builder, signature, arguments):
            rows, columns, terms, a, a_row, a_term, b, b_term, b_strip, start, start_row, c, c_row = arguments[1:]
            code, across = Code(context, builder, signature.args[0]), range(width)
            mask = code.first(builder.sub(columns, I64((width - 1) * code.lanes)))
            masks = [None] * (width - 1) + [mask]
            last = builder.sub(rows, I64(1))
            place = [builder.select(builder.icmp_signed("<", I64(r), last), I64(r), last) for r in range(height)]
            sources, starts, targets = ([builder.add(base, builder.mul(r, row)) for r in place]
                                        for base, row in ((a, a_row), (start, start_row), (c, c_row)))
            for target in targets:
                for q in across:
                    code.fetch(code.offset(target, q, I64(BYTES)))
            loop = Loop(builder, terms, [I64(0), b, *[code.constant(0)] * (height * width)])
            step, line, *sums = loop.values
            factors = [code.load(code.offset(line, q, b_strip), masks[q]) for q in across]
            for r, source in enumerate(sources):
                value = code.spread(builder.add(source, step))
                for q in across:
                    sums[r * width + q] = code.fma(value, factors[q], sums[r * width + q])
            sums = loop.end([builder.add(step, a_term), builder.add(line, b_term), *sums])[2:]
            for r in range(height):
                for q in across:
                    begin = code.load(code.offset(starts[r], q, I64(BYTES)), masks[q])
                    sums[r * width + q] = builder.fadd(begin, sums[r * width + q])
            for r in range(height):
                for q in across:
                    code.store(sums[r * width + q], code.offset(targets[r], q, I64(BYTES)), masks[q])
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 13), generate

    return tile


TILES = [[_tile(height, width) for width in (1, 2)] for height in (HEIGHT // 2, HEIGHT)]
(short_narrow, short_wide), (tall_narrow, tall_wide) = TILES


@intrinsic
def lay(typing, like, source, source_row, rows, columns, strips, strip):
    """strips[i, k] = the i-th vector of source[k], zeros behind its `columns` numbers; for `rows` rows k. A row is read as a
    whole, as memory likes it; strips lie `strip` bytes apart."""
    def generate(context, builder, signature, arguments):
        source, source_row, rows, columns, strips, strip = arguments[1:]
        code = Code(context, builder, signature.args[0])
        lanes = I64(code.lanes)
        vectors = builder.sdiv(builder.add(columns, builder.sub(lanes, I64(1))), lanes)
        outer = Loop(builder, rows, [source, strips])
        inner = Loop(builder, vectors, [outer.values[1]])
        mask = code.first(builder.sub(columns, builder.mul(inner.i, lanes)))
        code.store(code.load(builder.add(outer.values[0], builder.mul(inner.i, I64(BYTES))), mask), inner.values[0])
        inner.end([builder.add(inner.values[0], strip)])
        outer.end([builder.add(outer.values[0], source_row), builder.add(outer.values[1], I64(BYTES))])
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 6), generate


@intrinsic
def turn(typing, like, source, source_row, rows, columns, strip):
    """strip[k, r] = source[r, k] for `rows` rows, no more than a vector has lanes, and `columns` numbers. It writes whole
    vectors, and a multiple of a vector's lanes of them."""
    def generate(context, builder, signature, arguments):
        source, source_row, rows, columns, strip = arguments[1:]
        code = Code(context, builder, signature.args[0])
        lanes, last = I64(code.lanes), builder.sub(rows, I64(1))
        places = [builder.select(builder.icmp_signed("<", I64(r), last), I64(r), last) for r in range(code.lanes)]
        places = [builder.add(source, builder.mul(r, source_row)) for r in places]
        loop = Loop(builder, builder.sdiv(builder.add(columns, builder.sub(lanes, I64(1))), lanes), [strip])
        here, mask = builder.mul(loop.i, I64(BYTES)), code.first(builder.sub(columns, builder.mul(loop.i, lanes)))
        vectors = [code.load(builder.add(place, here), mask) for place in places]
        for k, vector in enumerate(_turned(code, vectors)):
            code.store(vector, code.offset(loop.values[0], k, I64(BYTES)))
        loop.end([builder.add(loop.values[0], I64(code.lanes * BYTES))])
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 5), generate


def _turned(code: Code, vectors: list) -> list:
    """Their transpose: as often as 2 divides the lanes, the first half's numbers and the second half's one by one."""
    half, count = len(vectors) // 2, len(vectors)
    kind = ir.VectorType(I32, count)
    orders = [ir.Constant(kind, [first + i // 2 + i % 2 * count for i in range(count)]) for first in (0, half)]
    for _ in range(half.bit_length()):
        pairs = zip(vectors[:half], vectors[half:])
        vectors = [code.builder.shuffle_vector(a, b, order) for a, b in pairs for order in orders]
    return vectors
