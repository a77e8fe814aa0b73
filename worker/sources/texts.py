"""Pieces of text files: the units that are split into training and test, and read one at a time.

A piece is a file, a line, or some lines of at least PIECE_BYTES. Where pieces lie is found by looking at line ends only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bpcore.errors import InvalidInput, Problem

PIECE_BYTES = 1 << 12


@dataclass(frozen=True)
class Piece:
    """Bytes of a file. `name`, `line`: how to call it before users, lines from 1 on."""

    path: Path
    name: str
    line: int
    start: int
    stop: int


def pieces(paths: Sequence[Path], names: Sequence[str], least_bytes: int) -> list[Piece]:
    """Lines that are together `least_bytes` long at least, but for the last of a file; 0: the whole file each."""
    return [piece for path, name in zip(paths, names) for piece in _of_file(path, name, least_bytes)]


def _of_file(path: Path, name: str, least_bytes: int) -> Iterator[Piece]:
    if not least_bytes:
        yield Piece(path, name, 1, 0, path.stat().st_size)
        return
    first, start, stop = 1, 0, 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            stop += len(line)
            if stop - start >= least_bytes:
                yield Piece(path, name, first, start, stop)
                first, start = number + 1, stop
    if stop > start:
        yield Piece(path, name, first, start, stop)


def read(pieces: Sequence[Piece]) -> Iterator[str]:
    """Their texts. Raises InvalidInput for what is not UTF-8."""
    opened, file = None, None
    try:
        for piece in pieces:
            if piece.path != opened:
                if file:
                    file.close()
                opened, file = piece.path, open(piece.path, "rb")
            file.seek(piece.start)
            yield _decoded(file.read(piece.stop - piece.start), piece)
    finally:
        if file:
            file.close()


def _decoded(content: bytes, piece: Piece) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = piece.line + content.count(b"\n", 0, error.start)
        raise InvalidInput([Problem("path", f"{piece.name}, line {line}: expected UTF-8, but there is a byte {content[error.start]:#04x}")]) from None
