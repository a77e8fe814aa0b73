"""Calls of kernels in a row, made as one: Python asks once, and not once a kernel, which takes longer than a small kernel.

1. A call is a record of words: where the kernel's machine code is, room for what it returns, and its arguments as the code
   takes them. So nobody looks at an argument again.
2. A trampoline hands a record's words to the code. There is one for each kind of function, made in some milliseconds.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from numba import types
from numba.core.cgutils import ir
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from bpcore.kernels.compiled import ANY, Bound, kernel, read

WORD = ir.IntType(64)
ENTRY = ir.FunctionType(ir.VoidType(), [WORD.as_pointer()])
RETURNED = 8  # words, for what a kernel returns
_trampolines: dict[str, int] = {}


def fused(calls: Iterable[Callable[[], object]]) -> list[Callable[[], object]]:
    """The same calls in the same order, those of kernels that follow on each other in one."""
    run_all, made = run.of(ANY), []
    for are_kernels, row in groupby(calls, lambda call: isinstance(call, Bound)):
        made.extend([_program(run_all, list(row))] if are_kernels else row)
    return made


@intrinsic
def _enter(typing, trampoline, record):
    def generate(context, builder, signature, arguments):
        code, record = (builder.inttoptr(word, kind.as_pointer()) for word, kind in zip(arguments, (ENTRY, WORD)))
        builder.call(code, [record])
        return context.get_dummy_value()

    return types.void(trampoline, record), generate


@kernel(lambda _: (read(types.int64, 2, "C"),))
def run(calls):
    """calls: (n, 2), the addresses of a trampoline and of a record each."""
    for i in range(len(calls)):
        _enter(calls[i, 0], calls[i, 1])


def _program(run_all: Callable[..., object], calls: Sequence[Bound]) -> Callable[[], object]:
    records = [np.array([_code(call), *[0] * RETURNED, *_words(call)], np.int64) for call in calls]
    table = np.array([[_trampoline(call), record.ctypes.data] for call, record in zip(calls, records)], np.int64)
    program = partial(run_all, table)
    program.kept = calls, records  # whose memory the words stand for
    return program


def _code(call: Bound) -> int:
    return call.overload.library.get_pointer_to_function(call.overload.fndesc.llvm_func_name)


def _words(call: Bound) -> Iterator[int]:
    return (word for kind, argument in zip(call.overload.signature.args, call.args, strict=True) for word in _of(kind, argument))


def _of(kind: types.Type, argument: Any) -> Iterator[int]:
    """An argument as machine code takes it. Raises TypeError for a kind that no kernel has had yet."""
    match kind:
        case types.Array():  # without an owner, who would be counted
            yield from (0, 0, argument.size, argument.itemsize, argument.ctypes.data, *argument.shape, *argument.strides)
        case types.BaseTuple():
            for each, value in zip(kind.types, argument, strict=True):
                yield from _of(each, value)
        case types.Integer() | types.Boolean():
            yield int(argument)
        case types.Float():
            yield from struct.unpack("q", struct.pack({64: "d", 32: "f4x"}[kind.bitwidth], argument))
        case _:
            raise TypeError(f"no program takes {kind}")


def _trampoline(call: Bound) -> int:
    """Its address."""
    described = call.overload.fndesc
    kind = cpu_target.target_context.call_conv.get_function_type(described.restype, described.argtypes)
    if str(kind) not in _trampolines:
        _trampolines[str(kind)] = _made(kind)
    return _trampolines[str(kind)]


@global_compiler_lock
def _made(kind: ir.FunctionType) -> int:
    library, name = cpu_target.target_context.codegen().create_library("trampoline"), f"trampoline{len(_trampolines)}"
    module = library.create_ir_module(name)
    function = ir.Function(module, ENTRY, name)
    builder = ir.IRBuilder(function.append_basic_block())

    def word(i: int, kind: ir.Type) -> Any:
        return builder.bitcast(builder.gep(function.args[0], [WORD(i)]), kind.as_pointer())

    returned, trouble, *arguments = kind.args
    code = builder.inttoptr(builder.load(word(0, WORD)), kind.as_pointer())
    given = [builder.load(word(i, each)) for i, each in enumerate(arguments, 1 + RETURNED)]
    builder.call(code, [word(1, returned.pointee), builder.alloca(trouble.pointee), *given])
    builder.ret_void()
    library.add_ir_module(module)
    library.finalize()
    return library.get_pointer_to_function(name)
