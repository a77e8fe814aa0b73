"""Axes of a sample by number. The batch is not counted; negative numbers count from the last axis."""

from bpcore.errors import ShapeError, expected
from bpcore.shapes import Shape, describe


def place_of_axis(axis: int, shape: Shape) -> int:
    """0 … axes − 1. Raises ShapeError when `shape` has no such axis."""
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(expected(f"an input that has an axis {axis}", describe(shape), "axes count from 0, without the batch"))
    return axis % len(shape)
