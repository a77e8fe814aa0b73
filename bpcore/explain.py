"""Why did the model say so? What each number of the input contributed to one output.

All functions take a batch and the index of the output to explain for each sample, and return an array of
the input's shape. They explain the plain output (the score before softmax or sigmoid). f below is that
output as a function of the input x.
"""

import numpy as np

from bpcore.arena import Vector
from bpcore.fields import Batch
from bpcore.model import Model


def saliency(model: Model, parameters: Vector, batch: Batch, output: np.ndarray) -> np.ndarray:
    """∂f/∂x. Source: Simonyan et al., "Deep inside convolutional networks", ICLR workshop 2014, section 3."""
    scores = model.predict(parameters, batch)
    chosen = np.zeros_like(scores)
    chosen[np.arange(len(scores)), output] = 1
    return model.input_gradient(parameters, batch, chosen)


def gradient_times_input(model: Model, parameters: Vector, batch: Batch, output: np.ndarray) -> np.ndarray:
    """x · ∂f/∂x. Source: Shrikumar et al., "Not just a black box", 2016, section 2."""
    return _x(model, batch) * saliency(model, parameters, batch, output)


def smooth_grad(model: Model, parameters: Vector, batch: Batch, output: np.ndarray, stddev: float = 0.1,
                samples: int = 32, seed: int = 0) -> np.ndarray:
    """The mean of ∂f/∂x over `samples` inputs with noise N(0, stddev²) added.

    Source: Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017, section 3.
    """
    random, x = np.random.default_rng(seed), _x(model, batch)
    total = np.zeros_like(x)
    for _ in range(samples):
        noisy = x + stddev * random.standard_normal(x.shape).astype(x.dtype)
        total += saliency(model, parameters, _with(model, batch, noisy), output)
    return total / samples


def integrated_gradients(model: Model, parameters: Vector, batch: Batch, output: np.ndarray,
                         baseline: float = 0.0, steps: int = 64) -> np.ndarray:
    """(x − x₀) · ∫₀¹ ∂f/∂x (x₀ + a (x − x₀)) da, with x₀ the constant `baseline`; midpoint rule.

    Source: Sundararajan et al., "Axiomatic attribution for deep networks", ICML 2017, section 3. Its
    contributions add up to f(x) − f(x₀): see `completeness_error`.
    """
    x = _x(model, batch)
    total = np.zeros_like(x)
    for i in range(steps):
        between = baseline + (i + 0.5) / steps * (x - baseline)
        total += saliency(model, parameters, _with(model, batch, between), output)
    return (x - baseline) * total / steps


def completeness_error(model: Model, parameters: Vector, batch: Batch, output: np.ndarray, contributions: np.ndarray,
                       baseline: float = 0.0) -> np.ndarray:
    """|Σ contributions − (f(x) − f(x₀))| / |f(x) − f(x₀)| of each sample, (n,): how far integrated
    gradients are from adding up."""
    rows = np.arange(len(contributions))
    above = model.predict(parameters, batch)[rows, output]
    below = model.predict(parameters, _with(model, batch, np.full_like(_x(model, batch), baseline)))[rows, output]
    sums = contributions.reshape(len(rows), -1).sum(axis=1, dtype=np.float64)
    return np.abs(sums - (above - below)) / np.maximum(np.abs(above - below), 1e-12)


def occlusion(model: Model, parameters: Vector, batch: Batch, output: np.ndarray, window: int = 3, fill: float = 0.0) -> np.ndarray:
    """For each place, how much f falls when a window around it is filled with a constant; (n, height, width).

    Source: Zeiler & Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2.
    """
    x, rows = _x(model, batch), np.arange(len(output))
    whole = model.predict(parameters, batch)[rows, output]
    drops = np.zeros(x.shape[:3], x.dtype)
    reach = window // 2
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            covered = x.copy()
            covered[:, max(0, i - reach):i + reach + 1, max(0, j - reach):j + reach + 1] = fill
            drops[:, i, j] = whole - model.predict(parameters, _with(model, batch, covered))[rows, output]
    return drops


def _x(model: Model, batch: Batch) -> np.ndarray:
    return np.asarray(batch[model.spec.graph.inputs[0].field], model.dtype)


def _with(model: Model, batch: Batch, x: np.ndarray) -> Batch:
    """The batch with another first input."""
    return {**batch, model.spec.graph.inputs[0].field: x}
