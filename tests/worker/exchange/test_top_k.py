"""top_k: the largest entries arrive, and in time the others do."""

import math

import numpy as np
import pytest

from worker.exchange import REDUCTIONS

# A node each, unequal nodes, equal ones: all of four ranks, so that one mpirun does for a test.
NODES = ([[0], [1], [2], [3]], [[0, 2], [1], [3]], [[0, 1], [2, 3]])


def top_k(nodes, share=0.1, **more):
    return {"reduction": {"top_k": {"share": share}}, "nodes": nodes} | more


def places(ranks, name):
    return next(slot.place for slot in ranks.LAYOUT.slots if slot.full_name == name)


def test_what_is_left_out_is_added_later(exchanged):
    """One gradient, then zeros: after ten steps a tenth each, all of it has arrived."""
    cases = [top_k(nodes, counts=[1] * 10, silent_from=1, window=window) for nodes in NODES for window in (1 << 22, 100)]
    for found in exchanged(*cases):
        assert np.allclose(found.totals.sum(axis=0), found.sums[0], rtol=1e-5, atol=1e-5 * found.magnitudes.max())


def test_the_largest_entries_are_sent_first(exchanged, ranks):
    """Of one node's gradient, when the other has none."""
    found, = exchanged(top_k([[0], [1]], held_by=[[0], []]))
    trained = np.ones(ranks.LAYOUT.size, bool)
    trained[places(ranks, "norm.mean")] = False
    sent = np.flatnonzero((found.totals[0] != 0) & trained)
    assert len(sent) == math.ceil(0.1 * ranks.LAYOUT.size)
    assert (found.totals[0, sent] == found.sums[0, sent]).all()
    left_out = found.sums[0] * trained * (found.totals[0] == 0)
    assert np.abs(left_out).max() <= np.abs(found.sums[0, sent]).min()


def test_both_nodes_largest_entries_are_added_up(exchanged):
    """Both nodes choose the same entry."""
    for found in exchanged(*[top_k(nodes, spoiled={"5": 1e6}) for nodes in NODES]):
        assert found.totals[0, 5] == 5e6


def test_running_statistics_go_whole(exchanged, ranks):
    place = places(ranks, "norm.mean")
    for found in exchanged(*[top_k(nodes, counts=[1, 1], window=window) for nodes in NODES for window in (1 << 22, 100)]):
        assert np.allclose(found.totals[:, place], found.sums[:, place], rtol=1e-5, atol=1e-6)


def test_a_residual_is_a_part_of_the_mean(exchanged):
    """What a batch of 64 left out weighs the same when the batches after it are of 2."""
    counts = [64] + 10 * [2]
    for found in exchanged(*[top_k(nodes, counts=counts, silent_from=1) for nodes in NODES]):
        steps = (found.totals / np.array(counts)[:, None]).sum(axis=0)
        assert np.allclose(steps, found.sums[0] / 64, rtol=1e-5, atol=1e-6)


def test_on_one_node_nothing_is_left_out(exchanged):
    found, = exchanged(top_k([[0, 1]]))
    assert np.allclose(found.totals, found.sums, rtol=1e-5, atol=1e-5)


def test_shards_side_by_side_and_ranks_without_any(exchanged):
    for found in exchanged(*[top_k([[0, 1], [2]], counts=[1] * 10, silent_from=1, at_once=at_once, held_by=held_by)
                             for at_once in (False, True) for held_by in ([[], [0, 1], []], [[3], [], [0, 1, 2]])]):
        assert np.allclose(found.totals.sum(axis=0), found.sums[0], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_what_is_not_finite_is_not_left_out(exchanged):
    for value in ("nan", "inf"):
        for found in exchanged(*[top_k(nodes, spoiled={"5": value}) for nodes in NODES]):
            assert not np.isfinite(found.totals[0, 5])


@pytest.mark.parametrize("share", [0, 1, -0.5, "many"])
def test_a_share_is_between_nothing_and_all(refused, share):
    problem, = refused(lambda: REDUCTIONS.build({"top_k": {"share": share}}))
    assert problem.startswith("top_k.share: expected a number > 0 and < 1, got ")
