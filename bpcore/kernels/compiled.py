"""How a function becomes machine code, once a machine and not once a process.

1. A kernel is compiled at its first call, for the kind of number of its first argument, or fetched from
   disk: beside this file where that may be written, else in the user's cache. Where neither may be
   written it is compiled in memory. Which ones are needed can be found out without that: `noted`.
2. What is on disk counts for these sources alone: a change in any file of this folder makes it stale.
3. Code goes by its name, in which a process numbers the functions of one name that it compiles. Others number them otherwise: so
   what is made of several functions has all their names.
4. Any number of processes may start at once. Each signature has files of its own, which are replaced as a
   whole; Numba's own index has an entry a signature, and two writers could exchange them.
"""

import hashlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numba
import numpy as np
from numba.core.compiler import CompileResult
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from bpcore import kernels

OPTIONS = {"nogil": True, "error_model": "numpy"}
ANY = np.dtype(np.float32)  # for kernels that take only what has a kind of its own

# A function that kernels call, compiled into each of them.
helper = numba.njit(**OPTIONS)


def read(real: Any, axes: int, layout: str = "A") -> numba.types.Array:
    """The type of an argument that is only read; any strides, or with layout "C" in order and without gaps."""
    return numba.types.Array(real, axes, layout, readonly=True)


class Bound(partial):
    """A kernel with all its arguments; `overload`: its code. Several in a row can be made one (program.py)."""

    overload: CompileResult


class Kernel:
    """A function of arrays, compiled for each kind of number. `signature`: kind of number → types of the arguments.
    `uses`: functions of other folders that it was made of."""

    def __init__(self, function: Callable, signature: Callable[[Any], tuple], uses: Sequence[Callable] = ()):
        function.__qualname__ = ".".join([function.__qualname__, *(f"{used.__module__}.{used.__qualname__}" for used in uses)])
        self.function, self._signature, self._uses = function, signature, uses
        self._compiled: dict[str, Callable] = {}

    def __call__(self, first, *others):
        return self.of(first.dtype)(first, *others)

    @property
    def name(self) -> str:
        """`file.function`, of what it was made of where that is told."""
        return " ".join(f"{used.__module__.rpartition('.')[2]}.{used.__qualname__}" for used in self._uses or [self.function])

    def of(self, dtype: np.dtype) -> Callable:
        """For that kind of number alone."""
        if _notes is not None:
            _notes[self, np.dtype(dtype)] = None
            return _nothing
        if dtype.char not in self._compiled:
            self._compiled[dtype.char] = self._compile(numba.from_dtype(dtype))
        return self._compiled[dtype.char]

    def bound(self, dtype: np.dtype, *arguments: Any) -> Callable[..., object]:
        """The call with these arguments in front, whose types are looked at now and not in each call; those that come with the
        call are not looked at. With all its arguments it is Bound. Raises TypeError."""
        function = self.of(dtype)
        if function is _nothing:
            return _nothing
        (wanted, compiled), = function.overloads.items()
        converts = function.typingctx.can_convert
        given = [numba.typeof(argument) for argument in arguments]
        if any(converts(one, other) is None for one, other in zip(given, wanted)):
            raise TypeError(f"{self.function.__name__} takes {wanted}, got {given}")
        if len(given) < len(wanted):
            return partial(compiled.entry_point, *arguments)
        call = Bound(compiled.entry_point, *arguments)
        call.overload = compiled
        return call

    def is_kept(self, dtype: np.dtype) -> bool:
        """Whether it would be fetched from disk."""
        cache = self._cache()
        return cache is not None and cache.holds(self._signature(numba.from_dtype(dtype)))

    def _cache(self) -> "_Cache | None":
        """None where there is no folder that may be written."""
        try:
            return _Cache(self.function, self._uses)
        except RuntimeError:
            return None

    def _compile(self, real: Any) -> Callable:
        dispatcher, cache = numba.njit(**OPTIONS)(self.function), self._cache()
        if cache is None:
            dispatcher.compile(self._signature(real))
        else:
            dispatcher._cache = cache
            if cache.lacks(self._signature(real)):
                kernels.announce(self.name)
            with kernels.taking_turns(cache.cache_path):
                dispatcher.compile(self._signature(real))
        dispatcher.disable_compile()
        return dispatcher


def kernel(signature: Callable[[Any], tuple]) -> Callable[[Callable], Kernel]:
    return lambda function: Kernel(function, signature)


@contextmanager
def noted() -> Iterator[dict[tuple[Kernel, np.dtype], None]]:
    """The kernels that are asked for inside, in order, each with a kind of number. They are neither compiled nor run: in
    their place stands what does nothing, so whoever has asked is good for nothing else."""
    global _notes
    _notes = {}
    try:
        yield _notes
    finally:
        _notes = None


_notes: dict[tuple[Kernel, np.dtype], None] | None = None


def _nothing(*_: object) -> bool:
    return True  # as a kernel that finds all numbers finite


class _Cache(FunctionCache):
    def __init__(self, function: Callable, uses: Sequence[Callable]):
        super().__init__(function)
        self._uses = uses
        sources = _sources() + "".join(map(inspect.getsource, uses))
        self._cache_file = _Files(self.cache_path, self._impl.filename_base, _digest(sources.encode()))

    def _index_key(self, signature: Any, codegen: Any) -> tuple:
        """Numba would look into the functions that are used, and find them changed in every process."""
        return (signature, codegen.magic_tuple()) if self._uses else super()._index_key(signature, codegen)

    def holds(self, signature: Any) -> bool:
        return self._cache_file.load(self._index_key(signature, cpu_target.target_context.codegen())) is not None

    def lacks(self, signature: Any) -> bool:
        """The contrary, by a look at the index alone, which takes no time."""
        return self._cache_file.lacks(self._index_key(signature, cpu_target.target_context.codegen()))

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Without what Numba loads for compiling, which takes longer than all the rest of the start."""
        rtsys.initialize(context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(signature, context)


class _Files(IndexDataCacheFile):
    """Numba's pair of index and data, a pair for each signature and processor."""

    def __init__(self, folder: str, name: str, stamp: str):
        super().__init__(folder, name, stamp)
        self._pair = lambda key: IndexDataCacheFile(folder, f"{name}-{_digest(repr(key).encode())[:16]}", stamp)

    def load(self, key: Any) -> Any:
        return self._pair(key).load(key)

    def lacks(self, key: Any) -> bool:
        return key not in self._pair(key)._load_index()

    def save(self, key: Any, data: Any) -> None:
        self._pair(key).save(key, data)


@cache
def _sources() -> str:
    """Of all files of this folder: what is compiled into a kernel comes from several."""
    names = sorted(module.name for module in pkgutil.iter_modules(kernels.__path__))
    return _digest(b"".join(pkgutil.get_data(kernels.__name__, f"{name}.py") for name in names))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
