"""The coordinator: takes jobs over gRPC, runs them on MPI ranks, reports their curves.

A user's program needs one name of it: `from coordinator import Client`, or AsyncClient where there is an event loop.
"""

from coordinator.aio import AsyncClient
from coordinator.client import Client

__all__ = ["AsyncClient", "Client"]
