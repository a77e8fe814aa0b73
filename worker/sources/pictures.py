"""Pictures, decoded by Pillow to arrays of bytes (height, width, channels)."""

from pathlib import Path

import numpy as np

from bpcore.attributes import attribute, choice, to_integer
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.shapes import Shape
from worker.errors import BadSample
from worker.sources.lazy import Files

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
MODES = {"rgb": "RGB", "gray": "L"}
CHANNELS = {"rgb": 3, "gray": 1}


def size() -> object:
    """The attribute `size`: (height, width) that pictures are scaled to, or none."""

    def convert(value: object) -> tuple[int, int]:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise ValueError
        return to_integer(value[0], 1), to_integer(value[1], 1)

    return attribute("[height, width]", convert, None)


def color() -> object:
    """The attribute `color`."""
    return choice("rgb", "gray")


def shape(files: Files, wanted: tuple[int, int] | None, color: str, skips: bool) -> Shape:
    """What every picture is to have: of the first one, or of the first that is one, unless a size is wanted. Raises InvalidInput."""
    image = _library()
    for path in files.paths if skips else files.paths[:1]:
        try:
            with image.open(path) as first:
                height, width = wanted or (first.height, first.width)
                return height, width, CHANNELS[color]
        except (OSError, ValueError, SyntaxError):
            continue
    raise InvalidInput([Problem("path", f'expected readable pictures, but "{files.names[0]}" is not one')])


def decoded(files: Files, index: int, wanted: Shape, scales: bool, nearest: bool = False) -> np.ndarray:
    """One picture of shape `wanted`, uint8; scaled to it, or it must be so large. Raises BadSample."""
    image, path, (height, width, channels) = _library(), files.unchanged(index), wanted
    try:
        with image.open(path) as found:
            if not scales and (found.height, found.width) != (height, width):
                raise BadSample(f"{files.names[index]}: " + expected(f"a picture of {height} × {width}, as the first one is",
                                f"{found.height} × {found.width}", "give the size to scale all to: size: [height, width]"))
            pixels = found if nearest and found.mode in ("P", "L") else found.convert("RGB" if channels == 3 else "L")
            if (found.height, found.width) != (height, width):
                pixels = pixels.resize((width, height), image.Resampling.NEAREST if nearest else image.Resampling.BILINEAR)
            return np.asarray(pixels).reshape(wanted)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadSample(f"{files.names[index]}: expected a whole picture, but it cannot be decoded: {_reason(error, path)}") from None


def original(files: Files, index: int) -> tuple[int, int]:
    """Height and width of a picture as its file has it."""
    with _library().open(files.paths[index]) as found:
        return found.height, found.width


def _reason(error: Exception, path: Path) -> str:
    """Pillow names the file with all of its path."""
    return str(error).replace(str(path), path.name)


def _library():
    try:
        from PIL import Image
    except ImportError:
        raise InvalidInput([Problem("", "expected Pillow to be installed: pip install 'bptrain[images]'")]) from None
    return Image
