"""What is known of the data before training.

A data set yields named arrays, its fields (`x`, `y`, `mask` …), sample by sample. A batch is a dict
field → array (n, …).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bpcore.shapes import Shape

Batch = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Field:
    """One named array: a sample's shape, whether its numbers are integers, and for those the lowest and how
    many values there are above it from 0 on (the largest, plus one)."""

    shape: Shape
    integer: bool = False
    classes: int = 0
    lowest: int = 0
