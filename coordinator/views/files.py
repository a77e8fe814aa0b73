"""Files below a folder, and nothing else: each part of a name is opened in the one before it, and links are not followed.

So no name leads out of the folder, whatever it says and whatever is put there meanwhile.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def opened(root: Path, name: str) -> Iterator[BinaryIO]:
    """The file `name`, parts divided by `/`. Raises OSError for anything but a regular file below `root`."""
    *folders, last = parts(name)
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        descriptor = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(name)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def parts(name: str) -> list[str]:
    """Raises FileNotFoundError for what can name no file below a folder."""
    found = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in found):
        raise FileNotFoundError(name)
    return found
