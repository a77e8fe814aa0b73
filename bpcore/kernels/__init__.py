"""Loops that NumPy has no fast word for, compiled to machine code by Numba.

1. Nothing here is imported before it is needed: Numba takes 0.2 s to load, and many models never need it.
2. One thread, and an order of summation that depends on sizes alone: on machines of one type, every rank
   and every run computes the same bits.
3. Kernels know arrays, not layers. Memory that outlives a call is the caller's.
4. Each has its twin in plain NumPy beside its tests.
"""

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType

# Held while a kernel is compiled, with the folder it is kept in. Whoever runs many processes that start at once puts a
# lock here: one compiles, which takes seconds, and the others find what they need.
taking_turns: Callable[[str], AbstractContextManager] = nullcontext

# Told the name of a kernel that is not on disk, before it is compiled, here or by whose turn it is.
announce: Callable[[str], object] = lambda name: None


def __getattr__(name: str) -> ModuleType:
    """The module of that name, at its first use."""
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError:
        raise AttributeError(f"module {__name__} has no attribute {name}") from None
