"""Losses, one a file. A loss is a sum and a count; the mean is taken once, over the global batch.

1. A file says what one element costs and its gradient; weights, masks and sums are done here, once.
2. `evaluate` returns (weighted sum, sum of weights): never a mean, so that shards of any size add up
   exactly. The gradient is that of the sum; the update divides by the global count.
3. What divides the sum depends on the targets and weights alone, never on the output.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from bpcore.fields import Field
from bpcore.registry import Registry
from bpcore.shapes import Shape


@dataclass(frozen=True)
class Case:
    """One input for the gradient check. `targets`: (n, …)."""

    loss: "Loss"
    output: Shape
    targets: np.ndarray


@dataclass(frozen=True)
class Loss:
    """The base class."""

    def output_problem(self, output: Shape) -> str | None:
        """What is wrong with the model's output shape, or None."""
        return None

    def target_problem(self, output: Shape, targets: Field) -> str | None:
        """What is wrong with the targets for that output, or None."""
        raise NotImplementedError

    def elementwise(self, output: np.ndarray, targets: np.ndarray, gradient: np.ndarray | None) -> np.ndarray:
        """The loss of each element, (n, …): the output's shape, or its leading axes.

        Writes the gradient of each element's loss with respect to `output` into `gradient` unless None.
        """
        raise NotImplementedError

    def element_weights(self, targets: np.ndarray) -> np.ndarray | None:
        """What each element counts by itself, in the shape of the losses; None: 1."""
        return None

    def element_counts(self, targets: np.ndarray) -> np.ndarray | None:
        """The same in what the sum is divided by, for a loss in which these are not one number."""
        return self.element_weights(targets)

    def element_shape(self, output: Shape) -> Shape:
        """The shape of one sample's losses."""
        return output

    def count(self, output: Shape, targets: np.ndarray, weights: np.ndarray | None) -> float:
        """The sum of the weights: what the loss sum is divided by."""
        shape = (len(targets), *self.element_shape(output))
        counts = _product(self.element_counts(targets), weights)
        if counts is None:
            return float(prod(shape))
        return float(np.broadcast_to(_widened(counts, len(shape)), shape).sum(dtype=np.float64))

    def evaluate(self, output: np.ndarray, targets: np.ndarray, weights: np.ndarray | None,
                 gradient: np.ndarray | None) -> tuple[float, float]:
        """(loss sum, count). output: (n, *shape); weights: (n, …), leading axes of the losses, None: 1."""
        losses = self.elementwise(output, targets, gradient)
        count, combined = self.count(output.shape[1:], targets, weights), _product(self.element_weights(targets), weights)
        if combined is None:
            return float(np.add.reduce(losses, None, np.float64)), count
        widened = np.broadcast_to(_widened(combined, losses.ndim), losses.shape)
        if gradient is not None:
            scale = _widened(combined, gradient.ndim).astype(gradient.dtype, copy=False)
            gradient *= scale
            np.copyto(gradient, 0, where=scale == 0)
        # A masked element may hold anything, also what no loss can be computed of.
        return float((np.where(widened != 0, losses, 0) * widened).sum(dtype=np.float64)), count

    def bound(self, output: np.ndarray, targets: np.ndarray, weights: np.ndarray | None,
              gradient: np.ndarray | None) -> Callable[[], tuple[float, float]]:
        """`evaluate`, to be called whenever there are other numbers in these arrays. The same gradients, bit for bit; the sum may
        be added up in another order."""
        return partial(self.evaluate, output, targets, weights, gradient)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        """Inputs for the gradient check; at least one."""
        raise NotImplementedError


def _product(own: np.ndarray | None, weights: np.ndarray | None) -> np.ndarray | None:
    """Of what an element counts by itself and what its sample does; None: 1."""
    if own is None or weights is None:
        return own if weights is None else weights
    return own * _widened(weights, own.ndim)


def _widened(weights: np.ndarray, axes: int) -> np.ndarray:
    """`weights` with axes of length 1 behind, until there are `axes`."""
    return weights.reshape(weights.shape + (1,) * (axes - weights.ndim))


LOSSES: Registry[Loss] = Registry("loss", __name__, Loss)
