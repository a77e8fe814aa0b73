"""slice: every `step`-th place of one axis from `start` to before `stop`, counted as Python does.

x: (…, size, …), y: (…, taken, …): the axis stays, also when one place is taken. Negative places count from
the end; without `start` or `stop` it begins or ends where the axis does; a negative step runs backwards.
Axes are a sample's: 0 is the first behind the batch, −1 the last. What is not taken has no gradient.
"""

import builtins
from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import axis, whole
from bpcore.errors import InvalidInput, Problem, ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.numerics.axes import place_of_axis
from bpcore.shapes import describe


@dataclass(frozen=True)
class Slice(Layer):
    keeps_output: ClassVar[bool] = False
    axis: int = axis(-1)
    start: int | None = whole(None)
    stop: int | None = whole(None)
    step: int = whole(1)

    def __post_init__(self):
        if self.step == 0:
            raise InvalidInput([Problem("step", expected("an integer other than 0", 0))])

    def output_shape(self, x):
        place = place_of_axis(self.axis, x)
        taken = len(range(*self._range.indices(x[place])))
        if not taken:
            wants = f"a slice that takes something of axis {self.axis}, whose size is {x[place]}"
            raise ShapeError(expected(wants, f"({self.start}:{self.stop}:{self.step}) of {describe(x)}"))
        return (*x[:place], taken, *x[place + 1:])

    def forward(self, w):
        w.y[...] = w.x[self._index(w.x.ndim)]

    def backward(self, w):
        if w.dx is not None:
            w.dx.fill(0)
            w.dx[self._index(w.dx.ndim)] = w.dy

    @property
    def _range(self) -> builtins.slice:
        return builtins.slice(self.start, self.stop, self.step)

    def _index(self, axes: int) -> tuple[builtins.slice, ...]:
        """What takes the slice from a batch, which has an axis more in front."""
        place = self.axis % (axes - 1) + 1
        return (*[builtins.slice(None)] * place, self._range)

    def onnx(self, g, inputs, p, shapes):
        end = 2**63 - 1
        start, stop = (0, end) if self.step > 0 else (end, -end)
        bounds = [start if self.start is None else self.start, stop if self.stop is None else self.stop]
        place = self.axis if self.axis < 0 else self.axis + 1
        return g.op("Slice", inputs[0], *(g.constant([number]) for number in (*bounds, place, self.step)))

    @classmethod
    def cases(cls):
        yield Case(cls(start=1, stop=3), [(4,)])
        yield Case(cls(axis=0, start=-1), [(3, 2)])
        yield Case(cls(axis=-2, stop=4, step=2), [(2, 5, 3)])
        yield Case(cls(axis=0, step=-1), [(3, 2)], batch=1)
