"""power_sgd: what fits the rank arrives at once, the rest in time."""

import numpy as np
import pytest

from worker.reduction.low_rank import Matrix, multiply_out, orthonormal

# A node each, unequal nodes, equal ones: all of four ranks, so that one mpirun does for a test.
NODES = ([[0], [1], [2], [3]], [[0, 2], [1], [3]], [[0, 1], [2, 3]])


def power_sgd(nodes, rank=3, **more):
    return {"reduction": {"power_sgd": {"rank": rank}}, "nodes": nodes} | more


@pytest.fixture
def large(ranks):
    """Where the one matrix lies that is worth compressing, (40, 30)."""
    return next(slot.place for slot in ranks.LAYOUT.slots if slot.full_name == "large.weight")


def test_a_sum_of_that_rank_arrives_at_once(exchanged, large):
    for found in exchanged(*[power_sgd(nodes, low_rank=3) for nodes in NODES]):
        assert np.linalg.matrix_rank(found.sums[0, large].reshape(40, 30), tol=1e-3) == 3
        assert np.allclose(found.totals, found.sums, rtol=1e-4, atol=1e-4)


def test_a_total_has_that_rank(exchanged, large):
    for found in exchanged(*[power_sgd(nodes) for nodes in NODES]):
        assert np.linalg.matrix_rank(found.totals[0, large].reshape(40, 30), tol=1e-4) == 3


def test_what_is_left_out_is_added_later(exchanged, large):
    """One gradient, then zeros: in thirty steps nearly all of it has arrived."""
    for found in exchanged(*[power_sgd(nodes, counts=[1] * 30, silent_from=1) for nodes in NODES]):
        left = [np.linalg.norm((found.totals[:steps].sum(axis=0) - found.sums[0])[large]) for steps in (1, 10, 30)]
        assert left[0] > 2 * left[1] > 10 * left[2]


def test_a_residual_is_a_part_of_the_mean(exchanged):
    """What a batch of 64 left out weighs the same when the batches after it are of 2."""
    counts = [64] + 60 * [2]
    found, = exchanged(power_sgd([[0], [1]], counts=counts, silent_from=1))
    steps = (found.totals / np.array(counts)[:, None]).sum(axis=0)
    assert np.allclose(steps, found.sums[0] / 64, rtol=0, atol=1e-3 * np.abs(found.sums[0] / 64).max())


def test_all_but_large_matrices_goes_whole(exchanged, large):
    for found in exchanged(*[power_sgd(nodes, counts=[1, 1]) for nodes in NODES]):
        assert np.allclose(found.totals[:, large.stop:], found.sums[:, large.stop:], rtol=1e-5, atol=1e-5)


def test_a_rank_too_large_to_gain_changes_nothing(exchanged):
    found, = exchanged(power_sgd([[0], [1]], rank=30))
    assert np.allclose(found.totals, found.sums, rtol=1e-5, atol=1e-5)


def test_on_one_node_nothing_is_left_out(exchanged):
    found, = exchanged(power_sgd([[0, 1]]))
    assert np.allclose(found.totals, found.sums, rtol=1e-5, atol=1e-5)


def test_shards_side_by_side_and_ranks_without_any(exchanged):
    for found in exchanged(*[power_sgd([[0, 1], [2]], low_rank=3, at_once=at_once, held_by=held_by)
                             for at_once in (False, True) for held_by in ([[], [0, 1], []], [[3], [], [0, 1, 2]])]):
        assert np.allclose(found.totals, found.sums, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_what_is_not_finite_arrives_as_not_finite(exchanged):
    for value in ("nan", "inf"):
        for found in exchanged(*[power_sgd(nodes, spoiled={"5": value}) for nodes in NODES]):
            assert not np.isfinite(found.totals[0, 5])


# The mathematics, without messages.


def test_columns_become_orthonormal():
    for seed in range(5):
        columns = np.random.default_rng(seed).normal(size=(50, 6)) * 10.0 ** np.arange(-6, 6, 2)
        made = orthonormal(columns.astype(np.float32)).astype(np.float64)
        assert np.allclose(made.T @ made, np.eye(6), atol=1e-6)


def test_a_column_of_zeros_stays_one():
    made = orthonormal(np.array([[0, 3], [0, 4]], np.float32))
    assert made.tolist() == [[0, np.float32(0.6)], [0, np.float32(0.8)]]


def test_it_is_multiplied_out_in_blocks():
    draw = np.random.default_rng(0)
    p, q = draw.normal(size=(300, 3)).astype(np.float32), draw.normal(size=(700, 3)).astype(np.float32)
    out = np.empty((300, 700), np.float32)
    multiply_out(p, q, out)
    assert np.allclose(out, p @ q.T, atol=1e-5)


def test_a_gradient_of_zeros_does_not_end_it():
    """The Q to begin with is kept where a sum of zeros gives none."""
    p, basis, q = np.zeros((5, 1), np.float32), np.zeros((5, 1), np.float32), np.zeros((4, 1), np.float32)
    matrix = Matrix(p, basis, q, np.ones((4, 1), np.float32))
    for scale in (0, 1):
        total = scale * np.outer(np.arange(5), np.arange(4)).astype(np.float32)
        expected = total.copy()
        matrix.begin(total, np.float32(1))
        matrix.project(total, np.float32(1), gives_basis=True)
        matrix.finish(total)
        assert np.allclose(total, expected, atol=1e-5)
