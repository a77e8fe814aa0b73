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

HEAD_BYTES = 64  # of a part, for the number of the round: a line of the cache
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


@kernel(lambda _: (types.float64[::1], read(types.int64, 1, "C"), types.int64, types.int64, types.int64[::1]))
def add(numbers, parts, place, width, state):
    """Replaces `numbers` by their sum over all places, in order. Where somebody is late it does not, and is to be called again,
    until when the numbers are not looked at any more.

    parts: addresses of a part each: the number of the round that its place has written, then two rows of `width` numbers,
    which rounds use in turn. place: whose numbers these are. state: the number of the newest round, and whether
    somebody was late in it.
    """
    own, here = parts[place], address(numbers)
    number = state[0] + 1 - state[1]
    row = HEAD_BYTES + (number & 1) * width * 8
    if not state[1]:
        copy(own + row, here, numbers.size * 8)
        _say(own, number)
    state[0], state[1] = number, 1
    for part in parts:
        looks = 0
        while _look(part) < number:
            looks += 1
            if looks == LOOKS:
                return
    copy(here, parts[0] + row, numbers.size * 8)
    for part in parts[1:]:
        add_row(numbers, (here, part + row, here), numbers.size, ())
    state[1] = 0
