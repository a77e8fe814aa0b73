"""Shapes in words. A shape is one sample's, without the batch axis; images are channels-last."""

from bpcore.errors import ShapeError, expected

Shape = tuple[int, ...]


def describe(shape: Shape) -> str:
    """`(8, 8, 1)`, as error messages write it."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def require_axes(shape: Shape, *axes: str, hint: str = "") -> None:
    """Raises ShapeError unless `shape` has exactly the named axes."""
    if len(shape) != len(axes):
        raise ShapeError(expected("(" + ", ".join(axes) + ")", describe(shape), hint))


def windows(size: int, window: int, stride: int, axis: str, hint: str = "use a smaller window") -> int:
    """How many windows fit into `size` without padding: ⌊(size − window) / stride⌋ + 1.

    Raises ShapeError when not even one does.
    """
    if window > size:
        raise ShapeError(expected(f"a window of at most the input's {axis} {size}", window, hint))
    return (size - window) // stride + 1
