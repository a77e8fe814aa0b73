"""Embeddings and positions against PyTorch: outputs and all gradients, over drawn shapes and options."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.errors import ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import Case
from bpcore.layers.embedding import Embedding
from bpcore.layers.positional_embedding import PositionalEmbedding
from bpcore.layers.rotary_embedding import RotaryEmbedding
from bpcore.layers.sinusoidal_embedding import SinusoidalEmbedding

DRAWN = settings(max_examples=60, derandomize=True, deadline=None)
BATCH, TIME, SEED = st.integers(1, 4), st.integers(1, 6), st.integers(0, 99)


def run(case, dtype, seed):
    """The workspace after forward and backward on random numbers; layers may use up dy, so `came` is a copy."""
    random = np.random.default_rng(seed)
    w = workspace(case, random, dtype)
    w.came = random.standard_normal(w.dy.shape).astype(dtype)
    case.layer.forward(w)
    w.dy[...] = w.came
    case.layer.backward(w)
    return w


@DRAWN
@given(batch=BATCH, shape=st.sampled_from([(), (1,), (7,), (3, 2)]), vocabulary=st.integers(1, 9), units=st.integers(1, 6),
       padded=st.booleans(), seed=SEED)
def test_an_embedding_is_pytorchs(agrees, batch, shape, vocabulary, units, padded, seed):
    layer = Embedding(vocabulary, units, seed % vocabulary if padded else None)
    agrees(layer, shape, batch=batch, seed=seed, integers={0: vocabulary})


def test_rows_are_added_in_order():
    """So that the same batch gives the same bits: float32 sums depend on their order."""
    whole = run(Case(Embedding(3, 5), ((200,),), 4, integers={0: 3}), np.float32, 0)
    expected = np.zeros((3, 5), np.float32)
    for index, row in zip(whole.x.ravel(), whole.came.reshape(-1, 5)):
        expected[index] += row
    assert (whole.g["weight"] == expected).all()


def test_an_index_out_of_range_is_not_read_as_another():
    w = workspace(Case(Embedding(3, 2), ((1,),), 1, integers={0: 3}), np.random.default_rng(0))
    w.x[...] = 3
    with pytest.raises(IndexError):
        Embedding(3, 2).forward(w)


def test_a_padding_index_lies_in_the_vocabulary():
    with pytest.raises(ShapeError, match="^expected a padding_index below the vocabulary of 3, got 3$"):
        Embedding(3, 2, padding_index=3).output_shape((4,))


@DRAWN
@given(batch=BATCH, length=TIME, features=st.integers(1, 6), seed=SEED)
def test_learned_positions_are_pytorchs_embedding_of_the_positions(agrees, batch, length, features, seed):
    agrees(PositionalEmbedding(), (length, features), batch=batch, seed=seed)


@DRAWN
@given(batch=BATCH, length=TIME, features=st.integers(1, 7), base=st.sampled_from([10000.0, 10.0]), seed=SEED)
def test_sinusoidal_positions_are_the_papers_formula(agrees, batch, length, features, base, seed):
    agrees(SinusoidalEmbedding(base), (length, features), batch=batch, seed=seed)


@DRAWN
@given(batch=BATCH, length=TIME, heads=st.integers(1, 3), pairs=st.integers(1, 3), base=st.sampled_from([10000.0, 7.0]), seed=SEED)
def test_rotary_positions_are_products_of_complex_numbers(agrees, batch, length, heads, pairs, base, seed):
    agrees(RotaryEmbedding(heads, base), (length, heads * pairs * 2), batch=batch, seed=seed)


def test_rotated_products_depend_on_the_distance_alone():
    """Su et al., equation 11: a query at 1 and a key at 3 fit as well as one at 4 and one at 6."""
    case = Case(RotaryEmbedding(), ((8, 6),), 2)
    w = workspace(case, np.random.default_rng(0))
    w.x[...] = w.x[:, :1]
    case.layer.forward(w)
    query, key = w.y
    assert query[1] @ key[3] == pytest.approx(query[4] @ key[6], rel=1e-12)
    assert query[1] @ key[3] != pytest.approx(query[1] @ key[4], rel=1e-3)


def test_rotary_positions_need_pairs():
    text = "expected (time, features) with features a multiple of 4, a pair a head, got (3, 6)"
    with pytest.raises(ShapeError, match=f"^{re.escape(text)}$"):
        RotaryEmbedding(heads=2).output_shape((3, 6))


@pytest.mark.parametrize("layer", [PositionalEmbedding(), SinusoidalEmbedding(), RotaryEmbedding()], ids=lambda x: type(x).__name__)
def test_positions_need_a_time_axis(layer):
    with pytest.raises(ShapeError, match=re.escape("expected (time, features), got (4,)")):
        layer.output_shape((4,))
