"""Files below a folder, and nothing else: each part of a name is opened in the one before it, and links are not followed.

So no name leads out of the folder, whatever it says and whatever is put there meanwhile.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def opened(root: Path, name: str) -> Iterator[BinaryIO]:
    """The file `name`, parts divided by `/`. Raises OSError for anything but a regular file below `root`."""
    with _beside(root, name) as (at, last):
        descriptor = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(name)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def hide(root: Path, name: str) -> None:
    """Gives a file or folder a name that nobody looks at, at one blow. Raises OSError where it is not there."""
    with _beside(root, name) as (at, last):
        os.rename(last, f".{last}", src_dir_fd=at, dst_dir_fd=at)


def remove_hidden(root: Path, name: str) -> None:
    """What `hide` has left, if anything."""
    with suppress(FileNotFoundError), _beside(root, name) as (at, last):
        if stat.S_ISDIR(os.stat(f".{last}", dir_fd=at, follow_symlinks=False).st_mode):
            shutil.rmtree(f".{last}", dir_fd=at)
        else:
            os.unlink(f".{last}", dir_fd=at)


@contextmanager
def _beside(root: Path, name: str) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that has it, and its own name in there."""
    *folders, last = parts(name)
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        yield at, last
    finally:
        os.close(at)


def parts(name: str) -> list[str]:
    """Raises FileNotFoundError for what can name no file below a folder."""
    found = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in found):
        raise FileNotFoundError(name)
    return found
