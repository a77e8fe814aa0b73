"""From the sum of gradients to new parameters, number by number: formulas, for one number as for arrays.

Compiled into one loop over the flat vectors they are bpcore/kernels/descent.py, which is what trains. Nothing
is added up and no product is fused, so arrays give the bits that the loop gives; float64, for checks, goes by arrays.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bpcore import kernels
from bpcore.optimization.regularization import Clipping
from bpcore.optimization.rules import Rule
from bpcore.optimizers import Optimizer

Arrays = Mapping[str, np.ndarray]
Tell = Callable[["Pace", tuple[float, ...], float], object]


@dataclass(slots=True)
class Pace:
    """Of one update. `step` from 1; `count`: what the loss sum is divided by (0: by 1); `samples`: in the global
    batch; `factor`: of the learning rate, from the schedule; `epoch` from 0; `begins`: whether the update is its first."""

    step: int
    count: float
    samples: int
    factor: float = 1.0
    epoch: int = 0
    begins: bool = False

    @property
    def divisor(self) -> float:
        """A plain float: NumPy's own would turn float32 into float64."""
        return float(self.count or 1)


def plain(total: Any, p: Any, state: Any, settings: Any, constants: Any, direction: Callable) -> Any:
    """(g, new p, new state): g = total · share, new p = keep · p − rate · (d + decay · p) with d's g + l2 · p."""
    share, l2, decay, keep, rate = settings
    g = total * share
    d, state = direction(g + l2 * p, p, state, constants)
    return g, keep * p - rate * (d + decay * p), state


def clipped(total: Any, p: Any, state: Any, settings: Any, constants: Any, direction: Callable) -> Any:
    """The same with d's clip(g) · scale + l1 · sign p + l2 · p."""
    share, limit, scale, l1, l2, decay, keep, rate = settings
    g = total * share
    mean = np.minimum(np.maximum(g, -limit), limit) * scale
    d, state = direction(mean + (l1 * np.sign(p) + l2 * p), p, state, constants)
    return g, keep * p - rate * (d + decay * p), state


class Descent:
    """By one rule."""

    def __init__(self, optimizer: Optimizer, clipping: Clipping, rule: Rule):
        self.optimizer, self._limit, self._rule = optimizer, clipping.value, rule
        self._formula = clipped if self._limit or rule.l1 else plain
        self._behind = (rule.l2, rule.weight_decay, 0.0 if rule.trusted else 1.0)

    def bound(self, gradient_sum: np.ndarray, p: np.ndarray, state: Arrays, new_p: np.ndarray, new_state: Arrays, flag: np.ndarray,
              *place: int) -> tuple[Tell, Callable[..., object]]:
        """`tell(pace, constants, scale)`; and the call behind it that writes p − η d (where the rule trusts, d alone) and the new
        state at `place` (start, stop), or at one that comes with the call. It sets flag[0] to 1 where the gradient is not finite.

        constants: the optimizer's. scale: what clipping by norm multiplies the mean gradient by. Arrays are flat, of
        one dtype; flag: float64 (1,).
        """
        names, formula, direction = self.optimizer.state, self._formula, self.optimizer.direction
        old, new = (gradient_sum, p, *[state[name] for name in names]), (new_p, *[new_state[name] for name in names])
        lengths = len(self._settings(Pace(1, 1, 1), 1.0)), len(self.optimizer.constants(1))
        given = np.zeros(sum(lengths))
        if new_p.dtype == np.float32:
            call = kernels.descent.loop(formula, direction, len(names), *lengths).bound(new_p.dtype, old, new, given, flag, *place)
        else:
            call = partial(by_arrays, formula, direction, lengths[0], old, new, given, flag, *place)
        return partial(self._tell, struct.Struct(f"{given.size}d").pack_into, memoryview(given)), call

    def _tell(self, pack_into: Callable[..., None], given: memoryview, pace: Pace, constants: tuple[float, ...], scale: float) -> None:
        pack_into(given, 0, *self._settings(pace, scale), *constants)

    def rate(self, pace: Pace) -> float:
        return float(self.optimizer.learning_rate * pace.factor * self._rule.learning_rate_scale)

    def _settings(self, pace: Pace, scale: float) -> tuple[float, ...]:
        """What the formula is given."""
        rate = -1.0 if self._rule.trusted else self.rate(pace)
        if self._formula is plain:
            return scale / pace.divisor, *self._behind, rate
        return 1 / pace.divisor, self._limit or np.inf, scale, self._rule.l1, *self._behind, rate


def by_arrays(formula: Callable, direction: Callable, settings: int, old: Sequence[np.ndarray], new: Sequence[np.ndarray],
              given: np.ndarray, flag: np.ndarray, start: int, stop: int) -> None:
    """What the compiled loop does, in plain NumPy. given: so many settings, then constants."""
    place, numbers = slice(start, stop), given.tolist()
    total, p, *state = (array[place] for array in old)
    g, p, state = formula(total, p, tuple(state), numbers[:settings], numbers[settings:], direction)
    for array, values in zip(new, (p, *state)):
        array[place] = values
    if not np.isfinite(g).all():
        flag[0] = 1
