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

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


class _Code:
    """A builder of instructions on vectors of one kind of number. `like`: an array of such numbers."""

    def __init__(self, context: Any, builder: Any, like: types.Array):
        self.builder = builder
        self.number = context.get_data_type(like.dtype)
        self.lanes = BYTES // (like.dtype.bitwidth // 8)
        self.vector = ir.VectorType(self.number, self.lanes)
        name = f"llvm.fma.v{self.lanes}f{like.dtype.bitwidth}"
        self._fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(self.vector, [self.vector] * 3), name)

    def constant(self, value: float) -> Any:
        return ir.Constant(self.vector, [value] * self.lanes)

    def pointer(self, address: Any, kind: Any) -> Any:
        return self.builder.inttoptr(address, kind.as_pointer())

    def load(self, address: Any) -> Any:
        return self.builder.load(self.pointer(address, self.vector), align=4)

    def store(self, vector: Any, address: Any) -> None:
        self.builder.store(vector, self.pointer(address, self.vector), align=4)

    def spread(self, address: Any) -> Any:
        """One number, in every lane."""
        number = self.builder.load(self.pointer(address, self.number))
        alone = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), number, _I32(0))
        return self.builder.shuffle_vector(alone, alone, ir.Constant(ir.VectorType(_I32, self.lanes), [0] * self.lanes))

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self.builder.call(self._fma, [a, b, c])

    def word(self, address: Any, i: int) -> Any:
        """The i-th of the 64-bit integers there."""
        return self.builder.load(self.pointer(self.offset(address, i, _I64(8)), _I64))

    def offset(self, address: Any, count: int, step: Any) -> Any:
        return self.builder.add(address, self.builder.mul(step, _I64(count)))

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


class _Loop:
    """for i in range(count), count ≥ 1, with values that each turn hands to the next."""

    def __init__(self, builder: Any, count: Any, values: Sequence[Any]):
        self._builder, self._count = builder, count
        before, self._top = builder.block, builder.append_basic_block("turn")
        builder.branch(self._top)
        builder.position_at_end(self._top)
        self.i = builder.phi(_I64)
        self.i.add_incoming(_I64(0), before)
        self.values = [builder.phi(value.type) for value in values]
        for phi, value in zip(self.values, values):
            phi.add_incoming(value, before)

    def end(self, values: Sequence[Any]) -> Sequence[Any]:
        """What the last turn left behind."""
        behind, last = self._builder.append_basic_block("behind"), self._builder.block
        following = self._builder.add(self.i, _I64(1))
        for phi, value in zip([self.i, *self.values], [following, *values]):
            phi.add_incoming(value, last)
        self._builder.cbranch(self._builder.icmp_signed("<", following, self._count), self._top, behind)
        self._builder.position_at_end(behind)
        return values


def _products(width: int, single: bool) -> Callable:
    """c[r] = start[r] + Σ_j Σ_k a[r, j, k] · b[j, k] for ROWS rows r of `width` vectors.

    Row r of start, a and c lies at its address + the r-th integer at `start_rows`, `a_rows`, `c_rows`. Term
    j adds the integers 2j and 2j + 1 at `jumps` to the places of a and b, term k steps from there. Of a it
    takes one number for all lanes, or with `single` one a lane. j and k: at least one each.
    """

    @intrinsic
    def products(typing, like, start, start_rows, a, a_rows, b, jumps, jump_count, length, a_step, b_step, c, c_rows):
        def generate(context, builder, signature, arguments):
            start, start_rows, a, a_rows, b, jumps, jump_count, length, a_step, b_step, c, c_rows = arguments[1:]
            code, columns = _Code(context, builder, signature.args[0]), range(width)

            def places(base, rows):
                return [builder.add(base, code.word(rows, r)) for r in range(ROWS)]

            rows = places(a, a_rows)
            outer = _Loop(builder, jump_count, [code.constant(0)] * (ROWS * width))
            jump = code.offset(jumps, 2, builder.mul(outer.i, _I64(8)))
            rows = [builder.add(row, code.word(jump, 0)) for row in rows]
            inner = _Loop(builder, length, [_I64(0), builder.add(b, code.word(jump, 1)), *outer.values])
            step, place, *sums = inner.values
            factors = [code.load(code.offset(place, q, _I64(BYTES))) for q in columns]
            for r, row in enumerate(rows):
                value = (code.load if single else code.spread)(builder.add(row, step))
                for q in columns:
                    sums[r * width + q] = code.fma(value, factors[q], sums[r * width + q])
            sums = outer.end(inner.end([builder.add(step, a_step), builder.add(place, b_step), *sums])[2:])
            for r, (first, place) in enumerate(zip(places(start, start_rows), places(c, c_rows))):
                for q in columns:
                    begin = code.load(code.offset(first, q, _I64(BYTES)))
                    code.store(builder.fadd(begin, sums[r * width + q]), code.offset(place, q, _I64(BYTES)))
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 12), generate

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
            code = _Code(context, builder, signature.args[0])
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
def copy(typing, to, source, size):
    """`size` bytes from one address to another."""
    def generate(context, builder, signature, arguments):
        to, source, size = arguments
        pointers = [builder.inttoptr(address, _I8.as_pointer()) for address in (to, source)]
        cgutils.raw_memcpy(builder, *pointers, size, 1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def clear(typing, to, size):
    """Zeros, `size` bytes of them."""
    def generate(context, builder, signature, arguments):
        to, size = arguments
        cgutils.memset(builder, builder.inttoptr(to, _I8.as_pointer()), size, 0)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 2), generate
