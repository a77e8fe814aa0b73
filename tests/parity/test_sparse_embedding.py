"""Sparse embeddings against PyTorch's: SparseAdam, and SGD and Adagrad with sparse gradients, over 50 steps."""

import numpy as np
import pytest

from bpcore import Model, parse
from bpcore.model import Key
from bpcore.optimization.update import Pace, Updater

TOLERANCE = {np.float64: 1e-9, np.float32: 1e-5}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
VOCABULARY, UNITS, STEPS = 60, 7, 50
# PyTorch's SparseAdam adds ε to √v before it corrects the bias, ours behind: with an ε next to nothing they are one.
OPTIMIZERS = {
    "sparse_adam": ({"adam": {"learning_rate": 0.05, "beta2": 0.99, "epsilon": 1e-30}},
                    lambda torch, p: torch.optim.SparseAdam(p, 0.05, (0.9, 0.99), 1e-30)),
    "sgd": ({"sgd": {"learning_rate": 0.3}}, lambda torch, p: torch.optim.SGD(p, 0.3)),
    "adagrad": ({"adagrad": {"learning_rate": 0.2}}, lambda torch, p: torch.optim.Adagrad(p, 0.2)),
}


def batch(step):
    """Few of the words in each, some several times; now and then the padding, which is word 2."""
    random = np.random.default_rng(step)
    return {"text": random.integers(0, VOCABULARY, (3, 4)) // random.integers(1, 9), "y": random.standard_normal((3, 4, UNITS))}


def train(optimizer, dtype, sparse=True):
    """(start, end) of the table."""
    attributes = {"vocabulary": VOCABULARY, "units": UNITS, "padding_index": 2, "sparse": sparse}
    m = Model(parse({"model": {"inputs": {"text": {"shape": [4], "integer": True}}, "layers": [{"kind": "embedding", "attributes": attributes}]},
                     "loss": "mse", "optimizer": optimizer}), dtype)
    updater, p = Updater(m.spec, m.layout), m.initialize(1)
    start = p.nodes[0]["weight"].astype(np.float64)
    state = {name: m.layout.zeros(dtype).flat for name in updater.state}
    for step in range(1, STEPS + 1):
        out, new_p, new_state = m.layout.zeros(dtype), m.layout.zeros(dtype), {name: m.layout.zeros(dtype).flat for name in state}
        row = m.gradient(p, batch(step), out, Key(1, step, 0))
        updater.update(Pace(step, row[1], 3), out.flat, p.flat, state, new_p.flat, new_state)
        p, state = new_p, new_state
    return start, p.nodes[0]["weight"]


def train_theirs(torch, start, build):
    table = torch.nn.Embedding(VOCABULARY, UNITS, padding_idx=2, sparse=True, dtype=torch.float64)
    with torch.no_grad():
        table.weight.copy_(torch.from_numpy(start))
        table.weight[2] = 0  # ours reads as zeros, whatever the row holds
    optimizer = build(torch, list(table.parameters()))
    with torch.sparse.check_sparse_tensor_invariants():  # PyTorch warns where one does not say
        for step in range(1, STEPS + 1):
            given = batch(step)
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(table(torch.from_numpy(given["text"])), torch.from_numpy(given["y"])).backward()
            assert table.weight.grad.is_sparse
            optimizer.step()
    return table.weight.detach().numpy()


@DTYPES
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_are_pytorchs(torch, name, dtype):
    ours, theirs = OPTIMIZERS[name]
    start, end = train(ours, dtype)
    wanted = train_theirs(torch, start, theirs)
    trained = [i for i in range(VOCABULARY) if i != 2]
    assert np.abs(end[trained] - wanted[trained]).max() <= TOLERANCE[dtype] * np.abs(wanted).max()
    assert end[2].tobytes() == start[2].astype(dtype).tobytes()


def test_a_dense_adam_goes_another_way():
    """So that the equality above says something: the momentum of words goes on where they are not."""
    (_, sparse), (_, dense) = (train(OPTIMIZERS["sparse_adam"][0], np.float64, sparse) for sparse in (True, False))
    assert np.abs(sparse - dense).max() > 0.1
