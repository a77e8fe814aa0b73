"""fast: the sum within the rounding of its wire, on all ranks the same bits."""

import numpy as np
import pytest

# How far a sum of five may be off, in parts of the sum of magnitudes: four additions in float32, and a rounding to the
# wire on the way there and on the way back.
ADDITIONS = 4 * 2.0**-24
ROUNDING = {"float32": ADDITIONS, "float16": ADDITIONS + 2 * 2.0**-11, "bfloat16": ADDITIONS + 2 * 2.0**-8}

# Alone, one node, a node each, unequal nodes, equal ones.
NODES = ([[0]], [[0, 1]], [[0], [1]], [[0], [1], [2]], [[0, 2], [1]], [[0, 1], [2, 3]])
HELD_BY = ([[], [0, 1, 2], []], [[3], [], [0, 1, 2]], [[0, 1, 2, 3, 4], [], []])


def fast(wire, nodes, **more):
    return {"reduction": {"fast": {"wire": wire}}, "nodes": nodes} | more


def is_near(found, rounding):
    return (np.abs(found.totals - found.sums) <= 1.01 * rounding * found.magnitudes).all()


def assert_near(exchanged, cases):
    """All within the rounding of their wires."""
    for case, found in zip(cases, exchanged(*cases)):
        assert is_near(found, ROUNDING[case["reduction"]["fast"]["wire"]]), case


def test_it_is_the_sum_but_for_rounding(exchanged):
    assert_near(exchanged, [fast(wire, nodes, counts=[1, 1]) for wire in ROUNDING for nodes in NODES])


def test_ranks_without_shards_add_nothing(exchanged):
    nodes = ([[0], [1], [2]], [[0, 1], [2]], [[0, 1, 2]])
    assert_near(exchanged, [fast(wire, some, held_by=held_by, counts=[1, 1])
                            for wire in ROUNDING for some in nodes for held_by in HELD_BY])


def test_shards_computed_side_by_side(exchanged):
    assert_near(exchanged, [fast(wire, [[0, 1], [2]], at_once=True) for wire in ROUNDING])


def test_within_a_node_nothing_is_rounded_to_the_wire(exchanged):
    assert is_near(*exchanged(fast("bfloat16", [[0, 1]])), ROUNDING["float32"])


def test_two_bytes_are_not_four(exchanged):
    """So that the tests above tell one wire from another."""
    plain, half, brain = [np.abs(found.totals - found.sums).max() for found in exchanged(*[fast(wire, [[0], [1]]) for wire in ROUNDING])]
    assert 10 * plain < half and 4 * half < brain


def test_windows_change_no_bit(exchanged):
    """A window of seven numbers is cut into slices that begin in the middle of a parameter; some are empty."""
    wires = ("float32", "bfloat16")
    found = exchanged(*[fast(wire, [[0, 1], [2]], **window) for window in ({}, {"window": 7}) for wire in wires])
    for wire, whole, windows in zip(wires, found[:2], found[2:]):
        assert whole.totals.tobytes() == windows.totals.tobytes(), wire


def test_sums_beyond_half_precision_arrive(exchanged):
    """65,504 is the largest half; this is the sum of a large batch."""
    for found in exchanged(*[fast(wire, [[0], [1]], spoiled={"5": 1e6}) for wire in ROUNDING]):
        assert found.totals[0, 5] == pytest.approx(5e6, rel=2.0**-7)


def test_what_is_not_finite_arrives_as_not_finite(exchanged):
    for found in exchanged(*[fast(wire, [[0], [1]], spoiled={"5": value}) for wire in ROUNDING for value in ("nan", "inf")]):
        assert not np.isfinite(found.totals[0, 5])
        assert np.isfinite(found.totals[0, 600:]).all()
