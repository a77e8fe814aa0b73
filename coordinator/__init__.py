"""The coordinator: takes jobs over gRPC, runs them on MPI ranks, reports their curves.

A user's program needs one name of it: `from coordinator import Client`, or AsyncClient where there is an event loop. Both are
imported when they are asked for: the command `bptrain` is there before gRPC is.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coordinator.aio import AsyncClient
    from coordinator.client import Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{'aio' if name == 'AsyncClient' else 'client'}"), name)
