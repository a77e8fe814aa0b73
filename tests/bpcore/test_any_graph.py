"""The gradient of models drawn at random."""

import numpy as np
import pytest

from bpcore import parse
from bpcore.model import Model
from tests.bpcore.gradients import assert_finite_differences, layer, mean_gradient


def random_job(seed):
    """A model of 4 to 15 layers on three inputs: branches, repeated reads, shared parameters, dropout, statistics;
    every output that no layer reads, and now and then one that some do, is a head's."""
    random = np.random.default_rng(seed)
    widths, layers, read = {"x": 3, "ids": None}, [], set()

    def pick(width=None):
        names = [name for name, w in widths.items() if w is not None and width in (None, w)]
        read.add(name := names[random.integers(len(names))])
        return name

    def add(kind, inputs, width, share=None, **attributes):
        layers.append(layer(kind, f"n{len(layers)}", inputs, share, **attributes))
        widths[layers[-1]["name"]] = width

    add("lookup", ["ids"], 4, units=4)
    for _ in range(random.integers(3, 14)):
        source = pick()
        width = widths[source]
        match random.integers(8):
            case 0 | 1:
                units = int(random.integers(2, 6))
                alike = [given["name"] for given in layers if given["kind"] == "linear"
                         and (widths[given["inputs"][0]], given["attributes"]["units"]) == (width, units)]
                add("linear", [source], units, random.choice(alike) if alike and random.integers(3) else None, units=units)
            case 2:
                add("tanh", [source], width)
            case 3:
                add("dropout", [source], width, rate=0.3)
            case 4:
                add("centered", [source], width)
            case 5:
                add("masked", [source, "mask"], width)
            case _:
                add("add", [source, *(pick(width) for _ in range(random.integers(1, 3)))], width)
    outputs = [given["name"] for given in layers if given["name"] not in read or not random.integers(8)]
    losses = [{"loss": "mse", "output": name, "target": f"t{widths[name]}", "scale": float(random.uniform(0.2, 2)),
               "weight": ["", "w", "mask"][random.integers(3)]} for name in outputs]
    inputs = {"x": {"shape": [2, 3]}, "ids": {"shape": [2], "integer": True}, "mask": {"shape": [2], "integer": True}}
    inputs = {name: given for name, given in inputs.items() if any(name in each["inputs"] for each in layers)}
    return {"model": {"inputs": inputs, "layers": layers}, "losses": losses, "optimizer": "sgd"}


def random_batch(seed, n=5):
    random = np.random.default_rng(seed)
    targets = {f"t{width}": random.standard_normal((n, 2, width)) for width in range(2, 6)}
    return {"x": random.standard_normal((n, 2, 3)), "ids": random.integers(0, 5, (n, 2)), "mask": random.integers(0, 2, (n, 2)),
            "w": random.random(n), **targets}


@pytest.mark.parametrize("seed", range(60))
def test_any_graph_has_the_right_gradient(doubles, seed):
    """Whichever layers read whichever outputs, and however buffers are shared."""
    m, b = Model(parse(random_job(seed)), np.float64), random_batch(seed)
    p = m.initialize(seed)
    p.flat += 0.1 * np.random.default_rng(seed).standard_normal(p.flat.shape)
    assert_finite_differences(m, p, b)
    before = mean_gradient(m, p, b)[1]
    mean_gradient(m, m.initialize(seed + 1), random_batch(seed + 1)), m.predict(p, random_batch(seed + 2))
    assert mean_gradient(m, p, b)[1].tobytes() == before.tobytes()


def test_the_graphs_above_have_all_that_graphs_may_have():
    jobs = [random_job(seed) for seed in range(60)]
    layers = [given for job in jobs for given in job["model"]["layers"]]
    assert {given["kind"] for given in layers} == {"lookup", "linear", "tanh", "dropout", "centered", "masked", "add"}
    assert sum(given["share"] is not None for given in layers) >= 10
    assert sum(len(given["inputs"]) > len(set(given["inputs"])) for given in layers) >= 10
    assert max(len(job["losses"]) for job in jobs) >= 4
