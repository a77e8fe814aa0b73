"""One process of a host at a time: of ranks that start together, one compiles a kernel and the others find it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def taking_turns(folder: str) -> Iterator[None]:
    """Waits until nobody else is inside with this folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
