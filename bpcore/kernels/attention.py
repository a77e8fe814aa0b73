"""Attention of one head after the other, a few queries at a time: their scores stay in the cache.

Formulas, shapes and the rules for what a query sees are those of bpcore/numerics/attention.py; the numbers of a head lie side
by side. Where a query sees only the first keys, the others' scores are never computed beyond its block.
"""

from numba import types
from numba.extending import intrinsic

from bpcore.kernels.blocks import address, lanes, rounded
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.functions import exp
from bpcore.kernels.product import lay_out, strip_bytes, through, tiles
from bpcore.kernels.tiles import HEIGHT
from bpcore.kernels.vectors import BYTES, I64, Code, Loop, clear

QUERIES, SCORES = 4 * HEIGHT, 1 << 15  # queries of a block, at most; numbers of their scores that stay in the cache


def room(queries: int, keys: int, width: int, itemsize: int) -> int:
    """Numbers of scratch for both ways."""
    each = BYTES // itemsize
    keys, width = (-(-size // each) * each for size in (keys, width))
    return max(keys, width) + 2 * keys * (width + 1) + width * (keys + 1) + 2 * min(queries, QUERIES) * (keys + each)


@kernel(lambda real: (*[read(real, 4)] * 3, *[real[:, :, :, :]] * 3, read(real, 2), read(types.boolean, 4), real, types.boolean, real[::1]))
def attend(q, k, v, y, tops, totals, seen, kept, scale, causal, scratch):
    """y, and each row's largest score and sum. seen: 0 or −∞ for each key, (n, keys), or (n, 0) if all are; kept: what
    dropout leaves, or (0, 0, 0, 0), and what it is multiplied by."""
    n, heads, queries, width = q.shape
    keys, size, high = k.shape[2], q.itemsize, _high(k.shape[2])
    zero, row = address(scratch), (rounded(keys, lanes(q)) + lanes(q)) * size
    by_key = zero + max(rounded(keys, lanes(q)), rounded(width, lanes(q))) * size
    by_width = by_key + rounded(keys, lanes(q)) // lanes(q) * strip_bytes(q, width)
    scores = by_width + rounded(width, lanes(q)) // lanes(q) * strip_bytes(q, keys)
    clear(zero, by_key - zero)
    for i in range(n):
        for h in range(heads):
            lay_out(q, _head(k, i, h), size, k.strides[2], width, keys, by_key)
            lay_out(q, _head(v, i, h), v.strides[2], size, keys, width, by_width)
            for first in range(0, queries, high):
                some = min(high, queries - first)
                reach = min(keys, first + some) if causal else keys
                _score(q, i, h, first, some, reach, by_key, seen, zero, scores, row)
                for r in range(some):
                    count = min(reach, first + r + 1) if causal else reach
                    place = scores + r * row
                    _weigh(q, place, count, _number(tops, i, h, first + r), _number(totals, i, h, first + r))
                    clear(place + count * size, row - count * size)
                if len(kept):
                    _drop(scratch, (scores - zero) // size, row // size, kept, i, h, first, some, reach, scale)
                through(q, some, width, reach, scores, row, by_width, strip_bytes(q, keys), zero, 0,
                        _head(y, i, h) + first * y.strides[2], y.strides[2])


@kernel(lambda real: (*[real[:, :, :, :]] * 3, read(real, 4), *[read(real, 4)] * 2, read(real, 2), read(types.boolean, 4), real,
                      types.boolean, real[::1]))
def attend_back(q, k, v, dy, tops, totals, seen, kept, scale, causal, scratch):
    """The gradients of q, k and v in their places."""
    n, heads, queries, width = q.shape
    keys, size, high = k.shape[2], q.itemsize, _high(k.shape[2])
    zero, row = address(scratch), (rounded(keys, lanes(q)) + lanes(q)) * size
    k_by_key = zero + max(rounded(keys, lanes(q)), rounded(width, lanes(q))) * size
    v_by_key = k_by_key + rounded(keys, lanes(q)) // lanes(q) * strip_bytes(q, width)
    by_width = v_by_key + rounded(keys, lanes(q)) // lanes(q) * strip_bytes(q, width)
    scores = by_width + rounded(width, lanes(q)) // lanes(q) * strip_bytes(q, keys)
    gradients = scores + min(queries, high) * row
    clear(zero, k_by_key - zero)
    for i in range(n):
        for h in range(heads):
            lay_out(q, _head(k, i, h), size, k.strides[2], width, keys, k_by_key)
            lay_out(q, _head(v, i, h), size, v.strides[2], width, keys, v_by_key)
            lay_out(q, _head(k, i, h), k.strides[2], size, keys, width, by_width)
            for j in range(keys):  # all that is needed of k and v is laid out: gradients are summed in their place
                clear(_head(k, i, h) + j * k.strides[2], width * size)
                clear(_head(v, i, h) + j * v.strides[2], width * size)
            for first in range(0, queries, high):
                some = min(high, queries - first)
                reach = min(keys, first + some) if causal else keys
                place, came = _head(q, i, h) + first * q.strides[2], _head(dy, i, h) + first * dy.strides[2]
                _score(q, i, h, first, some, reach, k_by_key, seen, zero, scores, row)
                through(q, some, reach, width, came, dy.strides[2], v_by_key, strip_bytes(q, width), zero, 0, gradients, row)
                if len(kept):
                    _drop(scratch, (gradients - zero) // size, row // size, kept, i, h, first, some, reach, scale)
                for r in range(some):
                    count, a, da = min(reach, first + r + 1) if causal else reach, scores + r * row, gradients + r * row
                    _weigh_back(q, a, da, count, _number(tops, i, h, first + r), _number(totals, i, h, first + r))
                    clear(a + count * size, row - count * size)
                    clear(da + count * size, row - count * size)
                _across(q, reach, width, some, gradients, row, place, q.strides[2], _head(k, i, h), k.strides[2])
                through(q, some, width, reach, gradients, row, by_width, strip_bytes(q, keys), zero, 0, place, q.strides[2])
                if len(kept):
                    _drop(scratch, (scores - zero) // size, row // size, kept, i, h, first, some, reach, scale)
                _across(q, reach, width, some, scores, row, came, dy.strides[2], _head(v, i, h), v.strides[2])


@helper
def _high(keys):
    """Queries of a block."""
    return max(HEIGHT, min(QUERIES, SCORES // keys // HEIGHT * HEIGHT))


@helper
def _head(array, i, h):
    return address(array) + i * array.strides[0] + h * array.strides[1]


@helper
def _number(array, i, h, row):
    return _head(array, i, h) + row * array.strides[2]


@helper
def _score(q, i, h, first, some, reach, by_key, seen, zero, scores, row):
    """q kᵀ of a block of queries, −∞ where a key is not seen."""
    begin = address(seen) + i * seen.strides[0] if seen.shape[1] else zero
    through(q, some, reach, q.shape[3], _head(q, i, h) + first * q.strides[2], q.strides[2], by_key, strip_bytes(q, q.shape[3]), begin, 0,
            scores, row)


@helper
def _across(like, m, n, k, a, a_term, b, b_term, c, c_row):
    """c += aᵀ · b, few terms: both are read as they lie."""
    tiles(like, m, n, k, a, like.itemsize, a_term, 0, b, b_term, BYTES, c, c_row, c, c_row)


@helper
def _drop(numbers, place, row, kept, i, h, first, some, reach, scale):
    """What dropout leaves of a block."""
    for r in range(some):
        for j in range(reach):
            numbers[place + r * row + j] *= scale if kept[i, h, first + r, j] else 0


@intrinsic
def _weigh(typing, like, row, count, top, total):
    """row = softmax(row), its largest number and its sum; zeros where all is −∞."""
    def generate(context, builder, signature, arguments):
        row, count, top, total = arguments[1:]
        code = Code(context, builder, signature.args[0])
        walk = _Walk(code, count)
        low = code.constant(float(-3.4e38 if walk.size == 4 else -1.7e308))

        def larger(a, b):
            return builder.select(builder.fcmp_ordered(">", a, b), a, b)

        [largest] = walk.over([low], lambda at, mask, m: [larger(builder.select(mask, code.load(builder.add(row, at), mask), low), m)])
        largest = code.fold(larger, largest)

        def raised(at, mask, sum):
            weight = builder.select(mask, exp(code, builder.fsub(code.load(builder.add(row, at), mask), largest)), code.constant(0))
            code.store(weight, builder.add(row, at), mask)
            return [builder.fadd(sum, weight)]

        [sum] = walk.over([code.constant(0)], raised)
        sum = larger(code.fold(builder.fadd, sum), code.constant(1))  # the largest one's 1 is less only in an empty row
        inverse = builder.fdiv(code.constant(1), sum)

        def scaled(at, mask):
            code.store(builder.fmul(code.load(builder.add(row, at), mask), inverse), builder.add(row, at), mask)
            return []

        walk.over([], scaled)
        code.store(largest, top, code.first(I64(1)))
        code.store(sum, total, code.first(I64(1)))
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 4), generate


@intrinsic
def _weigh_back(typing, like, row, gradient, count, top, total):
    """row = the weights again, to the same bits, and gradient = that of the scores from that of the weights."""
    def generate(context, builder, signature, arguments):
        row, gradient, count, top, total = arguments[1:]
        code = Code(context, builder, signature.args[0])
        walk, largest, inverse = _Walk(code, count), code.spread(top), builder.fdiv(code.constant(1), code.spread(total))

        def raised(at, mask, dot):
            weight = builder.fmul(exp(code, builder.fsub(code.load(builder.add(row, at), mask), largest)), inverse)
            code.store(weight, builder.add(row, at), mask)
            return [code.fma(builder.select(mask, weight, code.constant(0)), code.load(builder.add(gradient, at), mask), dot)]

        [dot] = walk.over([code.constant(0)], raised)
        dot = code.fold(builder.fadd, dot)

        def scored(at, mask):
            d, weight = (code.load(builder.add(place, at), mask) for place in (gradient, row))
            code.store(builder.fmul(builder.fsub(d, dot), weight), builder.add(gradient, at), mask)
            return []

        walk.over([], scored)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 5), generate


class _Walk:
    """Over `count` numbers that lie side by side, a vector at a time."""

    def __init__(self, code: Code, count):
        self._code, self._count, self.size = code, count, BYTES // code.lanes
        self._turns = code.builder.sdiv(code.builder.add(count, I64(code.lanes - 1)), I64(code.lanes))

    def over(self, values, turn):
        """What turn(bytes from the start, mask, *values) leaves behind."""
        builder = self._code.builder
        loop = Loop(builder, self._turns, values)
        mask = self._code.first(builder.sub(self._count, builder.mul(loop.i, I64(self._code.lanes))))
        return loop.end(turn(builder.mul(loop.i, I64(BYTES)), mask, *loop.values))
