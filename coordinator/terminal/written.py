"""A file for the user, whole or not at all: written beside its place, and put there when all of it is on disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from worker.errors import Unavailable


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Raises Unavailable where what is done here to `path` cannot be."""
    try:
        yield
    except BrokenPipeError:  # its reader has left, which is no mistake
        raise
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror or error}") from None


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """What is written into it is at `path` behind this. Raises Unavailable where it cannot be; then what was there still is. What is
    no regular file, such as a pipe, is written as it comes."""
    place = path.resolve()
    beside = place if place.exists() and not place.is_file() else place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with refusing(path):
            with open(beside, "wb") as file:
                yield file
            if beside != place:
                beside.replace(place)
    finally:
        if beside != place:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
