"""Models of a few lines, and what their gradients are held against."""

import numpy as np
import pytest

from bpcore import parse
from bpcore.model import Key, Model

KEY = Key(seed=1, step=3, shard=0)


def layer(kind, name=None, inputs=(), share=None, **attributes):
    return {"kind": kind, "attributes": attributes, "name": name, "inputs": list(inputs), "share": share}


def built(layers, input_shape, loss="mse", metrics=(), dtype=np.float64):
    job = {"model": {"input": input_shape, "layers": layers}, "loss": loss, "metrics": metrics, "optimizer": "sgd"}
    return Model(parse(job), dtype)


def part(batch, rows):
    return {field: array[rows] for field, array in batch.items()}


def total(m, row):
    """Σ scale · sum / count over the heads that count something, from a row without metrics."""
    return sum(head.scale * row[2 * i] / row[2 * i + 1] for i, head in enumerate(m.spec.heads) if row[2 * i + 1])


def mean_gradient(m, p, b):
    """(total loss, its gradient): what a step of all the data in one shard does."""
    out, counts = m.layout.zeros(np.float64), m.counts(b)
    row = m.gradient(p, b, out, KEY, counts)
    return total(m, row), out.flat / (counts[0] or 1)


def assert_finite_differences(m, p, b, directions=2, h=1e-6):
    """⟨g, u⟩ against (L(p + hu) − L(p − hu)) / 2h, where L is the total loss; statistics stay as they are."""
    g, start, random = mean_gradient(m, p, b)[1], p.flat.copy(), np.random.default_rng(5)
    for _ in range(directions):
        u, losses = random.standard_normal(p.flat.shape), []
        for slot in m.layout.slots:
            u[slot.place] *= slot.momentum is None
        for sign in (1, -1):
            p.flat[...] = start + sign * h * u
            losses.append(mean_gradient(m, p, b)[0])
        p.flat[...] = start
        assert g @ u == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-6, abs=1e-8)
