"""Memory that processes of one host share, without a name in any file system: no crash leaves it behind.

A segment is an anonymous memory file. Another process gets it by the owner's process id and descriptor, or
over a socket. Pages take memory when they are first written.
"""

import mmap
import os

import numpy as np

PAGE_BYTES = 4096


class Segment:
    """A mapped memory file; `descriptor` is open for as long as this process owns the file."""

    def __init__(self, descriptor: int, size_bytes: int):
        self.descriptor, self.size_bytes = descriptor, size_bytes
        self._map = mmap.mmap(descriptor, size_bytes)

    @classmethod
    def new(cls, size_bytes: int) -> "Segment":
        """Zeros. Raises OSError."""
        descriptor = os.memfd_create("bptrain", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, max(size_bytes, PAGE_BYTES))
        return cls(descriptor, max(size_bytes, PAGE_BYTES))

    @classmethod
    def of_process(cls, pid: int, descriptor: int) -> "Segment":
        """Another process's segment. Raises OSError when the process is gone or not ours."""
        own = os.open(f"/proc/{pid}/fd/{descriptor}", os.O_RDWR | os.O_CLOEXEC)
        return cls(own, os.fstat(own).st_size)

    def array(self, offset_bytes: int, count: int, dtype: type) -> np.ndarray:
        """`count` numbers from there on, in place."""
        return np.frombuffer(self._map, dtype, count, offset_bytes)

    def close(self) -> None:
        """Gives up the descriptor; arrays stay valid for as long as they are used."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __del__(self) -> None:
        self.close()


def is_supported() -> bool:
    """Linux has it."""
    return hasattr(os, "memfd_create")
