"""A sparse parameter: rows without a gradient stay as they are, whoever updates them."""

import re

import numpy as np
import pytest

from bpcore import Model, parse
from bpcore.arena import LINE, Layout, Owner
from bpcore.errors import InvalidInput
from bpcore.model import Key
from bpcore.optimization.regularization import Clipping, Regularization
from bpcore.optimization.update import Pace, Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.optimizers.adam import Adam
from bpcore.optimizers.sgd import Sgd
from bpcore.spec import Spec

ROWS, UNITS = 150, 50
LAYOUT = Layout([Owner("words", {"weight": (ROWS, UNITS)}, sparse=frozenset(["weight"])), Owner("head", {"weight": (UNITS, 3), "bias": (3,)})])
OPTIMIZER_CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in OPTIMIZERS.types.items() for i, case in enumerate(kind.cases())
                   if not case.uses_trust]
EVERYTHING = {"clipping": Clipping(1.0, 2.0, 3.0), "regularization": Regularization(0.1, 0.1, 0.1, 0.0, ("*.bias",)), "average": 0.9}


def vector(seed, touched=range(ROWS)):
    """Random numbers, but zeros in the rows that are not touched."""
    drawn = LAYOUT.zeros()
    for view in drawn.named().values():
        view[...] = np.random.default_rng(seed).standard_normal(view.shape)
    drawn.named()["words.weight"][np.isin(range(ROWS), touched, invert=True)] = 0
    return drawn.flat


def train(optimizer, touched, parts=None, layout=LAYOUT, **extra):
    """Names → arrays after one step a list of touched rows, each part by an owner of its own."""
    ours = Updater(Spec(None, (), optimizer, **extra), layout)
    p, state = vector(0), {name: np.zeros_like(vector(0)) for name in ours.state}
    for step, rows in enumerate(touched, start=1):
        pace, total = Pace(step, 2.0, 2), vector(step, rows)
        cut = parts or [slice(0, layout.size)]
        norms = sum(ours.norms(pace, total, part) for part in cut)
        new_p, new_state = np.full_like(p, np.nan), {name: np.full_like(p, np.nan) for name in state}
        assert all([ours.update(pace, total, p, state, new_p, new_state, part, norms) for part in cut])
        p, state = new_p, new_state
    return {"p": p} | state


def rows_of(array):
    return array[:ROWS * UNITS].reshape(ROWS, UNITS)


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_untouched_rows_and_their_state_keep_every_bit(optimizer):
    """Whatever else moves parameters that have no gradient: momentum, penalties, decay."""
    extra = {"regularization": Regularization(0.1, 0.1, 0.1)}
    before, after = (train(optimizer, steps, **extra) for steps in ([range(ROWS)], [range(ROWS), [3, 77, 149]]))
    others = np.isin(range(ROWS), [3, 77, 149], invert=True)
    for name, array in after.items():
        assert rows_of(array)[others].tobytes() == rows_of(before[name])[others].tobytes(), name
        assert (rows_of(array)[~others] != rows_of(before[name])[~others]).any(axis=1).all(), name


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_where_every_row_has_a_gradient_it_is_the_plain_update(optimizer):
    dense = Layout([Owner("words", {"weight": (ROWS, UNITS)}), Owner("head", {"weight": (UNITS, 3), "bias": (3,)})])
    ours, plain = (train(optimizer, [range(ROWS)] * 3, layout=layout, **EVERYTHING) for layout in (LAYOUT, dense))
    for name, array in plain.items():
        assert ours[name].tobytes() == array.tobytes(), name


def test_the_other_parameters_are_trained_as_ever():
    sparse, dense = (train(Adam(), steps)["p"] for steps in ([[1]] * 3, [range(ROWS)] * 3))
    assert sparse[ROWS * UNITS:].tobytes() == dense[ROWS * UNITS:].tobytes()


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES)
def test_however_a_vector_is_cut_its_bits_are_one(optimizer):
    borders, touched = Updater(Spec(None, (), optimizer), LAYOUT).borders, [[0, 7, 8, 15, 16, 149], [], [8], range(140, 150)]
    whole = train(optimizer, touched, **EVERYTHING)
    parts = train(optimizer, touched, [slice(int(a), int(b)) for a, b in zip(borders, borders[1:])], **EVERYTHING)
    for name, array in whole.items():
        assert parts[name].tobytes() == array.tobytes(), name


def test_no_row_is_cut():
    """Rows of 50 numbers and lines of 16 meet every 400: there are two such cells in about 1024 numbers."""
    borders = Updater(Spec(None, (), Sgd()), LAYOUT).borders
    assert borders.tolist() == [*range(0, 7500, 800), 7504, 7504 + 160, 7504 + 176] and not (borders % LINE).any()


def test_rows_longer_than_a_block_are_rows():
    wide = Layout([Owner("words", {"weight": (3, 40_000)}, sparse=frozenset(["weight"]))])
    ours, p, total, new = Updater(Spec(None, (), Sgd(1.0)), wide), *(np.ones(wide.size, np.float32) for _ in range(3))
    total[40_000:80_000] = 0
    assert ours.update(Pace(1, 1.0, 1), total, p, {}, new, {})
    assert new.reshape(3, -1).sum(axis=1).tolist() == [0, 40_000, 0]


def test_a_gradient_that_is_not_finite_is_noticed():
    ours, total = Updater(Spec(None, (), Sgd()), LAYOUT), vector(1, [4])
    total[4 * UNITS + 7] = np.nan
    assert not ours.update(Pace(1, 1.0, 1), total, vector(0), {}, vector(0), {})


# From a job file on

WORDS = [{"kind": "embedding", "name": "words", "attributes": {"vocabulary": 9, "units": 3, "sparse": True}},
         {"kind": "flatten", "name": "flat"}, {"kind": "linear", "name": "head", "attributes": {"units": 2}}]
JOB = {"model": {"inputs": {"text": {"shape": [4], "integer": True}}, "layers": WORDS}, "loss": "mse", "optimizer": "adam"}


def test_a_job_says_which_embedding_is_sparse():
    m = Model(parse(JOB))
    assert [(slot.full_name, slot.sparse) for slot in m.layout.slots] == [("words.weight", True), ("head.weight", False), ("head.bias", False)]


def test_the_words_of_a_batch_move_and_no_others():
    m = Model(parse(JOB))
    updater, p, out = Updater(m.spec, m.layout), m.initialize(1), m.layout.zeros()
    state, new_state = ({name: m.layout.zeros().flat for name in updater.state} for _ in range(2))
    text, new = np.array([[1, 1, 5, 8], [5, 5, 0, 1]]), m.layout.zeros()
    row = m.gradient(p, {"text": text, "y": np.ones((2, 2))}, out, Key(1, 0, 0))
    updater.update(Pace(1, row[1], 2), out.flat, p.flat, state, new.flat, new_state)
    moved = (new.nodes[0]["weight"] != p.nodes[0]["weight"]).any(axis=1)
    assert np.flatnonzero(moved).tolist() == [0, 1, 5, 8]


@pytest.mark.parametrize("name", ["lars", "lamb"])
def test_optimizers_that_look_at_whole_parameters_are_refused(name):
    text = (f"model.layers[0].embedding.sparse: expected an optimizer that moves each row by itself, got {name}; "
            "leave sparse out, or take another optimizer")
    with pytest.raises(InvalidInput, match=f"^{re.escape(text)}$"):
        parse(JOB | {"optimizer": name})
