"""Losses that PyTorch does not have, by their papers' formulas: each element's loss, before weights.

`FORMULAS[name](loss, z, t)`; z may be complex, so that a complex step tells the derivative without a difference.
"""

import numpy as np


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def _larger(a, b):
    """The maximum, by the real part: a complex step tells its derivative."""
    return np.where(np.real(a) > np.real(b), a, b)


def focal(loss, z, t):
    p = _sigmoid(z)
    return np.where(t == 1, -loss.alpha * (1 - p)**loss.gamma * np.log(p), -(1 - loss.alpha) * p**loss.gamma * np.log(1 - p))


def softmax_focal(loss, z, labels):
    known = np.where(labels == loss.ignored, 0, labels) if loss.ignored is not None else labels
    p = np.take_along_axis(softmax(z), known[..., None], axis=-1)[..., 0]
    weights = np.array(loss.class_weights or [1.0] * z.shape[-1])[known] * (labels != loss.ignored)
    return -weights * (1 - p)**loss.gamma * np.log(p)


def hinge(loss, z, t):
    return _larger(0, loss.margin - np.where(t == 1, 1, -1) * z)


def contrastive(loss, z, t):
    distance = np.sqrt(((z[..., 0, :] - z[..., 1, :])**2).sum(axis=-1))
    dissimilar = t != 1  # the paper's Y
    return (1 - dissimilar) / 2 * distance**2 + dissimilar / 2 * _larger(0, loss.margin - distance)**2


def dice(loss, z, t):
    n, channels = len(z), z.shape[-1]
    p, t = _sigmoid(z).reshape(n, -1, channels), t.reshape(n, -1, channels)
    both, either = (p * t).sum(axis=1), (p + t).sum(axis=1)
    return (1 - (2 * both + loss.smooth) / (either + loss.smooth)).mean(axis=1)


def policy_gradient(loss, z, t):
    p = softmax(z)
    taken, advantage = t[..., 0].astype(int), t[..., 1]
    own = np.take_along_axis(p, taken[..., None], axis=-1)[..., 0]
    bonus = loss.entropy_coefficient * (p * np.log(p)).sum(axis=-1)
    if loss.form == "a2c":
        return -np.log(own) * advantage + bonus
    ratio, c = own / np.exp(t[..., 2]), loss.clip_range
    cut = -_larger(-_larger(ratio, 1 - c), -(1 + c))
    return _larger(-ratio * advantage, -cut * advantage) + bonus


FORMULAS = {"focal": focal, "softmax_focal": softmax_focal, "hinge": hinge, "contrastive": contrastive, "dice": dice,
            "policy_gradient": policy_gradient}
