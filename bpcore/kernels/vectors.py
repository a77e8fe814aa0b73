"""What the processor's vectors are told directly, in LLVM's language: loops that no compiler finds by itself.

1. Addresses, offsets and steps are in bytes. Nothing is checked: kernels pass what lies inside their arrays.
2. A vector is BYTES long, whatever its numbers: 16 in float32, or 8 in float64, where there is AVX-512.
3. Sums run in order, with fused multiply-adds: neither ROWS nor BYTES changes a bit.
"""

from collections.abc import Callable, Sequence
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.cgutils import ir
from numba.core.registry import cpu_target
from numba.extending import intrinsic

Matrix = Sequence[Sequence[float]]

_FEATURES = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
# As many sums as registers hold beside what is read: ROWS · 2 of 32, or of 16.
BYTES, ROWS = (64, 8) if "+avx512f" in _FEATURES else (32, 4)
WHOLE = 2 * BYTES  # columns of `narrow`, `wide` and `lanewise`, for who has no others

I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


class Code:
    """A builder of instructions on vectors of one kind of number. `like`: an array of such numbers."""

    def __init__(self, context: Any, builder: Any, like: types.Array):
        self.builder = builder
        self.number = context.get_data_type(like.dtype)
        self.bits = like.dtype.bitwidth
        self.lanes = BYTES // (self.bits // 8)
        self.vector = ir.VectorType(self.number, self.lanes)
        self._name = f"v{self.lanes}f{like.dtype.bitwidth}"

    def intrinsic(self, name: str, kind: Any, suffix: str = "") -> Any:
        """One of LLVM's own functions, for vectors of this kind."""
        return cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.{name}.{self._name}{suffix}")

    def constant(self, value: float) -> Any:
        return ir.Constant(self.vector, [value] * self.lanes)

    def pointer(self, address: Any, kind: Any) -> Any:
        return self.builder.inttoptr(address, kind.as_pointer())

    def load(self, address: Any, mask: Any = None) -> Any:
        """Where the mask is not set: zero, and nothing is read."""
        pointer = self.pointer(address, self.vector)
        if mask is None:
            return self.builder.load(pointer, align=4)
        kind = ir.FunctionType(self.vector, [pointer.type, I32, mask.type, self.vector])
        return self.builder.call(self.intrinsic("masked.load", kind, ".p0"), [pointer, I32(4), mask, self.constant(0)])

    def store(self, vector: Any, address: Any, mask: Any = None) -> None:
        pointer = self.pointer(address, self.vector)
        if mask is None:
            self.builder.store(vector, pointer, align=4)
            return
        kind = ir.FunctionType(ir.VoidType(), [self.vector, pointer.type, I32, mask.type])
        self.builder.call(self.intrinsic("masked.store", kind, ".p0"), [vector, pointer, I32(4), mask])

    def first(self, count: Any) -> Any:
        """The mask of the first so many lanes, of all where there are fewer."""
        kind = ir.VectorType(I32, self.lanes)
        places = ir.Constant(kind, list(range(self.lanes)))
        limit = self.builder.insert_element(ir.Constant(kind, ir.Undefined), self.builder.trunc(count, I32), I32(0))
        limit = self.builder.shuffle_vector(limit, limit, ir.Constant(kind, [0] * self.lanes))
        return self.builder.icmp_signed("<", places, limit)

    def fetch(self, address: Any) -> None:
        """Into the cache, to be written."""
        pointer = self.pointer(address, I8)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, I32, I32, I32])
        function = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        self.builder.call(function, [pointer, I32(1), I32(3), I32(1)])

    def everywhere(self, number: Any) -> Any:
        """In every lane."""
        alone = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), number, I32(0))
        return self.builder.shuffle_vector(alone, alone, ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes))

    def spread(self, address: Any) -> Any:
        """One number from there, in every lane."""
        return self.everywhere(self.builder.load(self.pointer(address, self.number)))

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self.builder.call(self.intrinsic("fma", ir.FunctionType(self.vector, [self.vector] * 3)), [a, b, c])

    def fold(self, join: Callable[[Any, Any], Any], vector: Any) -> Any:
        """All lanes joined, in every lane; in pairs, in an order that only their number decides."""
        reach = self.lanes // 2
        while reach:
            order = ir.Constant(ir.VectorType(I32, self.lanes), [lane ^ reach for lane in range(self.lanes)])
            vector, reach = join(vector, self.builder.shuffle_vector(vector, vector, order)), reach // 2
        return vector

    def word(self, address: Any, i: int) -> Any:
        """The i-th of the 64-bit integers there."""
        return self.builder.load(self.pointer(self.offset(address, i, I64(8)), I64))

    def offset(self, address: Any, count: int, step: Any) -> Any:
        return self.builder.add(address, self.builder.mul(step, I64(count)))

    def combine(self, row: Sequence[float], vectors: Sequence[Any]) -> Any:
        """Σ row[i] · vectors[i]; what counts 1 or 0 is not multiplied."""
        total = None
        for factor, vector in sorted(zip(row, vectors), key=lambda pair: pair[0] != 1):
            if factor == 0:
                continue
            if total is None:
                total = vector if factor == 1 else self.builder.fmul(self.constant(factor), vector)
            elif factor in (1, -1):
                total = (self.builder.fadd if factor == 1 else self.builder.fsub)(total, vector)
            else:
                total = self.fma(self.constant(factor), vector, total)
        return total


class Loop:
    """for i in range(count), count ≥ 1, with values that each turn hands to the next."""

    def __init__(self, builder: Any, count: Any, values: Sequence[Any]):
        self._builder, self._count = builder, count
        before, self._top = builder.block, builder.append_basic_block("turn")
        builder.branch(self._top)
        builder.position_at_end(self._top)
        self.i = builder.phi(I64)
        self.i.add_incoming(I64(0), before)
        self.values = [builder.phi(value.type) for value in values]
        for phi, value in zip(self.values, values):
            phi.add_incoming(value, before)

    def end(self, values: Sequence[Any]) -> Sequence[Any]:
        """What the last turn left behind."""
        behind, last = self._builder.append_basic_block("behind"), self._builder.block
        following = self._builder.add(self.i, I64(1))
        for phi, value in zip([self.i, *self.values], [following, *values]):
            phi.add_incoming(value, last)
        self._builder.cbranch(self._builder.icmp_signed("<", following, self._count), self._top, behind)
        self._builder.position_at_end(behind)
        return values


def sweep(code: Code, count: Any, values: Sequence[Any], turn: Callable[[Any, Any, Sequence[Any]], Sequence[Any]]) -> Sequence[Any]:
    """turn(offset, mask, values) gives the next values, for each vector of `count` numbers: for whole ones without a mask,
    which takes a sixth of the time of a short turn, then for what is left."""
    builder, lanes = code.builder, I64(code.lanes)
    whole, rest = builder.sdiv(count, lanes), builder.srem(count, lanes)
    values = _where_any(builder, whole, values, lambda i, values: turn(builder.mul(i, I64(BYTES)), None, values))
    return _where_any(builder, builder.zext(builder.icmp_signed(">", rest, I64(0)), I64), values,
                      lambda i, values: turn(builder.mul(whole, I64(BYTES)), code.first(rest), values))


def _where_any(builder: Any, count: Any, values: Sequence[Any], turn: Callable[[Any, Sequence[Any]], Sequence[Any]]) -> Sequence[Any]:
    """A Loop that may have no turns."""
    before = builder.block
    with builder.if_then(builder.icmp_signed(">", count, I64(0))):
        loop = Loop(builder, count, values)
        found = loop.end(turn(loop.i, loop.values))
        behind = builder.block
    phis = [builder.phi(value.type) for value in values]
    for phi, value, other in zip(phis, values, found):
        phi.add_incoming(value, before)
        phi.add_incoming(other, behind)
    return phis


def _products(width: int, single: bool) -> Callable:
    """c[r] = start[r] + Σ_j Σ_k a[r, j, k] · b[j, k] for ROWS rows r of `width` vectors, of which the first `columns`
    numbers are written; of the vectors before the last all are.

    Row r of start, a and c lies at its address + the r-th integer at `start_rows`, `a_rows`, `c_rows`. Term
    j adds the integers 2j and 2j + 1 at `jumps` to the places of a and b, term k steps from there. Of a it
    takes one number for all lanes, or with `single` one a lane. j and k: at least one each.
    """

    @intrinsic
    def products(typing, like, start, start_rows, a, a_rows, b, jumps, jump_count, length, a_step, b_step, c, c_rows, columns):
        def generate(context, builder, signature, arguments):
            start, start_rows, a, a_rows, b, jumps, jump_count, length, a_step, b_step, c, c_rows, columns = arguments[1:]
            code, across = Code(context, builder, signature.args[0]), range(width)
            masks = [None] * (width - 1) + [code.first(builder.sub(columns, I64((width - 1) * code.lanes)))]

            def places(base, rows):
                return [builder.add(base, code.word(rows, r)) for r in range(ROWS)]

            rows = places(a, a_rows)
            outer = Loop(builder, jump_count, [code.constant(0)] * (ROWS * width))
            jump = code.offset(jumps, 2, builder.mul(outer.i, I64(8)))
            rows = [builder.add(row, code.word(jump, 0)) for row in rows]
            inner = Loop(builder, length, [I64(0), builder.add(b, code.word(jump, 1)), *outer.values])
            step, place, *sums = inner.values
            factors = [code.load(code.offset(place, q, I64(BYTES))) for q in across]
            for r, row in enumerate(rows):
                value = (code.load if single else code.spread)(builder.add(row, step))
                for q in across:
                    sums[r * width + q] = code.fma(value, factors[q], sums[r * width + q])
            sums = outer.end(inner.end([builder.add(step, a_step), builder.add(place, b_step), *sums])[2:])
            for r, (first, place) in enumerate(zip(places(start, start_rows), places(c, c_rows))):
                for q in across:
                    begin = code.load(code.offset(first, q, I64(BYTES)))
                    code.store(builder.fadd(begin, sums[r * width + q]), code.offset(place, q, I64(BYTES)), masks[q])
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 13), generate

    return products


narrow, wide, lanewise = _products(1, single=False), _products(2, single=False), _products(1, single=True)


def sandwich(matrix: Matrix) -> Callable:
    """An intrinsic: out = M X Mᵀ for a matrix X of vectors, M: constant numbers (m, n), X: (n, n), out: (m, m).

    X[i, j] lies at `x` + i · `x_row` + j · `x_column`; out likewise.
    """
    outer, inner = range(len(matrix)), range(len(matrix[0]))

    @intrinsic
    def transform(typing, like, x, x_row, x_column, out, out_row, out_column):
        def generate(context, builder, signature, arguments):
            x, x_row, x_column, out, out_row, out_column = arguments[1:]
            code = Code(context, builder, signature.args[0])
            half = []  # (M X)ᵀ
            for j in inner:
                place = code.offset(x, j, x_column)
                column = [code.load(code.offset(place, i, x_row)) for i in inner]
                half.append([code.combine(row, column) for row in matrix])
            for i in outer:
                place = code.offset(out, i, out_row)
                for j in outer:
                    code.store(code.combine(matrix[j], [column[i] for column in half]), code.offset(place, j, out_column))
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 6), generate

    return transform


@intrinsic
def address(typing, array):
    """Where an array's memory starts. (Its own ctypes.data counts references, which takes longer than a short loop.)"""
    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, I64)

    return types.int64(array), generate


@intrinsic
def copy(typing, to, source, size):
    """`size` bytes from one address to another."""
    def generate(context, builder, signature, arguments):
        to, source, size = arguments
        pointers = [builder.inttoptr(address, I8.as_pointer()) for address in (to, source)]
        cgutils.raw_memcpy(builder, *pointers, size, 1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def clear(typing, to, size):
    """Zeros, `size` bytes of them."""
    def generate(context, builder, signature, arguments):
        to, size = arguments
        cgutils.memset(builder, builder.inttoptr(to, I8.as_pointer()), size, 0)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 2), generate
