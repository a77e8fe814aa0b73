"""The journal: an append-only file of Reports, the record of a run.

1. Only rank 0 appends; anyone may read while it does.
2. A record is its length and its CRC-32 (two little-endian uint32), then the message. A record cut off
   by a crash, or zeros that a power cut leaves, are dropped when the journal is opened again; whatever
   stands before is kept.
3. Sequence numbers count 1, 2, 3 … without a hole, across attempts.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from bptrain.v1.report_pb2 import Report

HEAD = struct.Struct("<II")


class Journal:
    """The writer's end."""

    def __init__(self, path: Path):
        self.path = path
        self.sequence, self.attempt, size = 0, 0, 0
        for report, size in _records(path, 0):
            self.sequence, self.attempt = report.sequence, report.attempt
        self._file = open(path, "ab")
        self._file.truncate(size)
        self._file.seek(size)

    def append(self, report: Report) -> None:
        """Numbers the report and writes it through to the operating system: a dead process loses nothing."""
        self.sequence += 1
        report.sequence = self.sequence
        payload = report.SerializeToString()
        self._file.write(HEAD.pack(len(payload), zlib.crc32(payload)) + payload)
        self._file.flush()

    def is_ours(self) -> bool:
        """Whether nobody else has written in it."""
        return os.fstat(self._file.fileno()).st_size == self._file.tell()

    def sync(self) -> None:
        """Makes it outlast the machine, too."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


class Tail:
    """A reader that goes on where it stopped, while the writer writes."""

    def __init__(self, path: Path):
        self._path, self._offset = path, 0

    def read(self) -> Iterator[Report]:
        """Every whole record since the last call."""
        for report, self._offset in _records(self._path, self._offset):
            yield report


def read(path: Path) -> Iterator[Report]:
    """Every whole record of the journal at `path`; none when there is no file."""
    return Tail(path).read()


def _records(path: Path, offset: int) -> Iterator[tuple[Report, int]]:
    """(report, offset behind it) for each whole record from `offset` on."""
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        while len(head := file.read(HEAD.size)) == HEAD.size:
            length, crc = HEAD.unpack(head)
            payload = file.read(length)
            if not length or len(payload) != length or zlib.crc32(payload) != crc:
                return
            offset += HEAD.size + length
            yield Report.FromString(payload), offset
