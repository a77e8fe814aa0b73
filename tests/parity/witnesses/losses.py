"""PyTorch's own losses without a reduction: `WITNESSES[name](loss, z, t)` is each element's, before sample weights."""

import torch
from torch.nn import functional as F


def _classes_last(function, z, t, **options):
    """PyTorch's classes are axis 1."""
    rows = t.reshape(z.shape[:-1].numel(), *t.shape[z.ndim - 1:])
    return function(z.reshape(-1, z.shape[-1]), rows, reduction="none", **options).reshape(z.shape[:-1])


def _vectors(z):
    """What a loss compares: the arrays along the last axis but one."""
    return [z[..., i, :].reshape(-1, z.shape[-1]) for i in range(z.shape[-2])]


def softmax_cross_entropy(loss, z, t):
    weight = z.new_tensor(loss.class_weights) if loss.class_weights else None
    ignored = {} if loss.ignored is None else {"ignore_index": loss.ignored}
    return _classes_last(F.cross_entropy, z, t, weight=weight, label_smoothing=loss.smoothing, **ignored)


def cosine_embedding(loss, z, t):
    """Ours takes 0 for −1."""
    together = torch.where(t.flatten() == 1, 1, -1)
    return F.cosine_embedding_loss(*_vectors(z), together, loss.margin, reduction="none").reshape(z.shape[:-2])


def ctc(loss, z, t):
    return F.ctc_loss(z.log_softmax(-1).transpose(0, 1), t.clamp(min=0), torch.full((len(z),), z.shape[1]), (t >= 0).sum(1),
                      blank=loss.blank, reduction="none", zero_infinity=True)


WITNESSES = {
    "cosine_embedding": cosine_embedding,
    "ctc": ctc,
    "huber": lambda loss, z, t: F.huber_loss(z, t, reduction="none", delta=loss.delta),
    "kl_divergence": lambda loss, z, t: F.kl_div(z.log_softmax(-1) if loss.from_logits else z, t, reduction="none").sum(-1),
    "mae": lambda loss, z, t: F.l1_loss(z, t, reduction="none"),
    "mse": lambda loss, z, t: F.mse_loss(z, t, reduction="none"),
    "multi_margin": lambda loss, z, t: _classes_last(F.multi_margin_loss, z, t, p=loss.p, margin=loss.margin),
    "poisson": lambda loss, z, t: F.poisson_nll_loss(z, t, reduction="none"),
    "sigmoid_cross_entropy": lambda loss, z, t: F.binary_cross_entropy_with_logits(
        z, t, reduction="none", pos_weight=z.new_tensor(loss.positive_weight)),
    "softmax_cross_entropy": softmax_cross_entropy,
    "triplet": lambda loss, z, t: F.triplet_margin_loss(*_vectors(z), margin=loss.margin, reduction="none").reshape(z.shape[:-2]),
}
