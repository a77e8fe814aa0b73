"""What is worked out once for each vector that comes along, and kept while the vector is.

Parameters and gradients come in few vectors that take turns: the two buffers of a replica, the buffers of an
exchange. So a step finds all that depends on them ready.
"""

import weakref
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from bpcore.arena import Vector

Made = TypeVar("Made")


class ByVector(Generic[Made]):
    """`of(vector)`: what `make(vector)` gave when that very vector came for the first time.

    What is made may hold the vector's arrays, but not the vector: it goes when nobody else has it any more.
    """

    def __init__(self, make: Callable[[Vector], Made]):
        self._make = make
        self._made: dict[int, tuple[Made, weakref.ref]] = {}

    def of(self, vector: Vector) -> Made:
        found = self._made.get(id(vector))
        if found is None:
            gone = partial(self._made.pop, id(vector))
            found = self._made[id(vector)] = self._make(vector), weakref.ref(vector, lambda _: gone())
        return found[0]
