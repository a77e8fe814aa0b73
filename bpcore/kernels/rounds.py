"""A sum over processes in memory that they share: each writes its numbers, says so, and adds everybody's.

What one processor writes before it says so, others find written: acquire and release, as in C11's memory model.
"""

from numba import types
from numba.core import cgutils
from numba.core.cgutils import ir
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from bpcore.kernels.compiled import kernel, read
from bpcore.kernels.vectors import I64, address, copy
from bpcore.kernels.walk import walk

LOOKS = 1000  # some 30 µs
HAS_PAUSE = cpu_target.target_context.codegen().magic_tuple()[0].startswith("x86_64")

add_row = walk(lambda code, a, b: [code.builder.fadd(a, b)], 2, 1)


@intrinsic
def _say(typing, place, number):
    """Writes the number there, behind all that was written before."""
    def generate(context, builder, signature, arguments):
        place, number = arguments
        builder.store_atomic(number, builder.inttoptr(place, I64.as_pointer()), "release", 8)
        return context.get_dummy_value()

    return types.void(place, number), generate


@intrinsic
def _look(typing, place):
    """The number there; what was written before it is there, too."""
    def generate(context, builder, signature, arguments):
        number = builder.load_atomic(builder.inttoptr(arguments[0], I64.as_pointer()), "acquire", 8)
        if HAS_PAUSE:  # lets a core's other thread go first
            builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause"), [])
        return number

    return types.int64(place), generate


@kernel(lambda _: (types.float64[::1], read(types.int64, 1, "C"), types.int64, types.int64, types.int64))
def add(numbers, parts, place, number, row):
    """Replaces `numbers` by their sum over all places, in order; False where somebody is late: call again, nothing has changed.

    parts: addresses of a part each, which begins with the number of the round that its place has written. place: whose
    numbers these are; number: of the round, from 1; row: how far into each part its numbers lie, another one than in the
    round before.
    """
    own, here = parts[place], address(numbers)
    copy(own + row, here, numbers.size * 8)
    _say(own, number)
    for part in parts:
        looks = 0
        while _look(part) < number:
            looks += 1
            if looks == LOOKS:
                return False
    copy(here, parts[0] + row, numbers.size * 8)
    for part in parts[1:]:
        add_row(numbers, (here, part + row, here), numbers.size, ())
    return True
