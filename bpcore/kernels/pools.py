"""Pools on two axes: the largest value or the sum of each window, and what goes back to its places.

A vector is channels of one pixel; those behind the last one are masked. Of a window only the places that lie on the
input are visited, in row-major order. Where windows meet without overlap or gap, gradients are written, else added.
"""

from collections.abc import Callable, Sequence
from typing import Any

from numba import types
from numba.core.cgutils import ir
from numba.extending import intrinsic

from bpcore.kernels.blocks import lanes
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.correlation import PAIR
from bpcore.kernels.vectors import I32, I64, Code, Loop, address

SIDES = [types.int64] * 6
PLACES = types.int32[:, :, :, ::1]


class _Window:
    """The places of a window, visited by `walk`. sides: rows and columns, bytes from row to row and from column to
    column, the first place's index, and how much further that of the next row is."""

    def __init__(self, context: Any, builder: Any, like: types.Array, count: Any, sides: Sequence[Any]):
        self.code, self._sides = Code(context, builder, like), sides
        self.mask, self.indices = self.code.first(count), ir.VectorType(I32, self.code.lanes)

    def every(self, value: Any) -> Any:
        """A value, in every lane."""
        empty = ir.Constant(ir.VectorType(value.type, self.code.lanes), ir.Undefined)
        alone = self.code.builder.insert_element(empty, value, I32(0))
        return self.code.builder.shuffle_vector(alone, alone, ir.Constant(self.indices, [0] * self.code.lanes))

    def walk(self, values: Sequence[Any], visit: Callable[..., Sequence[Any]]) -> Sequence[Any]:
        """visit(offset, index, *values) gives the values for the next place."""
        builder, (rows, columns, row, column, first, width) = self.code.builder, self._sides
        outer = Loop(builder, rows, [I64(0), builder.trunc(first, I32), *values])
        offset, index, *values = outer.values
        inner = Loop(builder, columns, [offset, index, *values])
        place, current, *values = inner.values
        values = visit(place, self.every(current), *values)
        values = inner.end([builder.add(place, column), builder.add(current, I32(1)), *values])[2:]
        return outer.end([builder.add(offset, row), builder.add(index, builder.trunc(width, I32)), *values])[2:]

    @property
    def first(self) -> Any:
        """The first place's index, in every lane."""
        return self.every(self.code.builder.trunc(self._sides[4], I32))

    def put(self, share: Any, place: Any, add: Any) -> None:
        """Writes the share, or adds it."""
        there = self.code.load(place, self.code.builder.and_(self.mask, self.every(add)))
        self.code.store(self.code.builder.fadd(there, share), place, self.mask)


@intrinsic
def _choose(typing, like, count, x, rows, columns, row, column, first, width, y, places):
    """y = the first largest of a window's values, places = its index; a NaN is larger than all."""
    def generate(context, builder, signature, arguments):
        _, count, x, *sides, y, places = arguments
        window = _Window(context, builder, signature.args[0], count, sides)
        code = window.code

        def visit(offset, index, best, where):
            value = code.load(builder.add(x, offset), window.mask)
            larger = builder.and_(builder.fcmp_unordered(">", value, best), builder.fcmp_ordered("ord", best, best))
            return builder.select(larger, value, best), builder.select(larger, index, where)

        best, where = window.walk([code.constant(float("-inf")), window.first], visit)
        code.store(best, y, window.mask)
        builder.store(where, code.pointer(places, window.indices), align=4)
        return context.get_dummy_value()

    return types.void(like, types.int64, types.int64, *SIDES, types.int64, types.int64), generate


@intrinsic
def _give(typing, like, count, dy, places, rows, columns, row, column, first, width, dx, add):
    """dx = dy at the place whose index is in `places` and 0 at the others, or with `add` that much more."""
    def generate(context, builder, signature, arguments):
        _, count, dy, places, *sides, dx, add = arguments
        window = _Window(context, builder, signature.args[0], count, sides)
        value, zero = window.code.load(dy, window.mask), window.code.constant(0)
        where = builder.load(window.code.pointer(places, window.indices), align=4)

        def visit(offset, index):
            window.put(builder.select(builder.icmp_signed("==", where, index), value, zero), builder.add(dx, offset), add)
            return ()

        window.walk([], visit)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 3, *SIDES, types.int64, types.boolean), generate


@intrinsic
def _gather(typing, like, count, x, rows, columns, row, column, first, width, divisor, y):
    """y = the sum of a window's values / divisor."""
    def generate(context, builder, signature, arguments):
        _, count, x, *sides, divisor, y = arguments
        window = _Window(context, builder, signature.args[0], count, sides)
        code = window.code
        total, = window.walk([code.constant(0)], lambda offset, index, total: [
            builder.fadd(total, code.load(builder.add(x, offset), window.mask))])
        code.store(builder.fdiv(total, window.every(divisor)), y, window.mask)
        return context.get_dummy_value()

    return types.void(like, types.int64, types.int64, *SIDES, like.dtype, types.int64), generate


@intrinsic
def _share_out(typing, like, count, dy, rows, columns, row, column, first, width, divisor, dx, add):
    """dx = dy / divisor at each place, or with `add` that much more."""
    def generate(context, builder, signature, arguments):
        _, count, dy, *sides, divisor, dx, add = arguments
        window = _Window(context, builder, signature.args[0], count, sides)
        share = builder.fdiv(window.code.load(dy, window.mask), window.every(divisor))

        def visit(offset, index):
            window.put(share, builder.add(dx, offset), add)
            return ()

        window.walk([], visit)
        return context.get_dummy_value()

    return types.void(like, types.int64, types.int64, *SIDES, like.dtype, types.int64, types.boolean), generate


@helper
def _span(i, size, window, stride, before):
    """Of the i-th window of an axis: its first place on the input, how many lie there, and how many before it don't."""
    start = i * stride - before
    first = max(0, -start)
    return start + first, min(window, size - start) - first, first


@kernel(lambda real: (read(real, 4, "C"), real[:, :, :, ::1], PLACES, PAIR, PAIR, PAIR))
def largest(x, y, places, window, stride, before):
    """x: (n, height, width, channels), y: (n, rows, columns, channels); places, as y but channels in whole vectors: which
    place of its window each y is, counted in row-major order."""
    n, height, width, channels = x.shape
    target, where = address(y), address(places)
    for image in range(n):
        for i in range(y.shape[1]):
            top, rows, above = _span(i, height, window[0], stride[0], before[0])
            for j in range(y.shape[2]):
                left, columns, ahead = _span(j, width, window[1], stride[1], before[1])
                source = address(x) + image * x.strides[0] + top * x.strides[1] + left * x.strides[2]
                for c in range(0, channels, lanes(x)):
                    _choose(x, channels - c, source + c * x.itemsize, rows, columns, x.strides[1], x.strides[2],
                            above * window[1] + ahead, window[1], target + c * x.itemsize, where + c * 4)
                target += y.strides[2]
                where += places.strides[2]


@kernel(lambda real: (read(real, 4, "C"), PLACES, real[:, :, :, ::1], PAIR, PAIR, PAIR, types.boolean))
def largest_back(dy, places, dx, window, stride, before, add):
    n, height, width, channels = dx.shape
    source, where = address(dy), address(places)
    for image in range(n):
        for i in range(dy.shape[1]):
            top, rows, above = _span(i, height, window[0], stride[0], before[0])
            for j in range(dy.shape[2]):
                left, columns, ahead = _span(j, width, window[1], stride[1], before[1])
                target = address(dx) + image * dx.strides[0] + top * dx.strides[1] + left * dx.strides[2]
                for c in range(0, channels, lanes(dx)):
                    _give(dx, channels - c, source + c * dx.itemsize, where + c * 4, rows, columns, dx.strides[1], dx.strides[2],
                          above * window[1] + ahead, window[1], target + c * dx.itemsize, add)
                source += dy.strides[2]
                where += places.strides[2]


@kernel(lambda real: (read(real, 4, "C"), real[:, :, :, ::1], PAIR, PAIR, PAIR, types.boolean))
def average(x, y, window, stride, before, whole):
    """y = the average over a window's places on the input, or with `whole` over all its places, those outside being 0."""
    n, height, width, channels = x.shape
    target = address(y)
    for image in range(n):
        for i in range(y.shape[1]):
            top, rows, _ = _span(i, height, window[0], stride[0], before[0])
            for j in range(y.shape[2]):
                left, columns, _ = _span(j, width, window[1], stride[1], before[1])
                source = address(x) + image * x.strides[0] + top * x.strides[1] + left * x.strides[2]
                divisor = x.dtype.type(window[0] * window[1] if whole else rows * columns)
                for c in range(0, channels, lanes(x)):
                    _gather(x, channels - c, source + c * x.itemsize, rows, columns, x.strides[1], x.strides[2], 0, 0, divisor,
                            target + c * x.itemsize)
                target += y.strides[2]


@kernel(lambda real: (read(real, 4, "C"), real[:, :, :, ::1], PAIR, PAIR, PAIR, types.boolean, types.boolean))
def average_back(dy, dx, window, stride, before, whole, add):
    n, height, width, channels = dx.shape
    source = address(dy)
    for image in range(n):
        for i in range(dy.shape[1]):
            top, rows, _ = _span(i, height, window[0], stride[0], before[0])
            for j in range(dy.shape[2]):
                left, columns, _ = _span(j, width, window[1], stride[1], before[1])
                target = address(dx) + image * dx.strides[0] + top * dx.strides[1] + left * dx.strides[2]
                divisor = dx.dtype.type(window[0] * window[1] if whole else rows * columns)
                for c in range(0, channels, lanes(dx)):
                    _share_out(dx, channels - c, source + c * dx.itemsize, rows, columns, dx.strides[1], dx.strides[2], 0, 0, divisor,
                               target + c * dx.itemsize, add)
                source += dy.strides[2]
