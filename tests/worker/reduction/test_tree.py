"""The fixed tree: one order of additions, whoever holds the shards."""

from operator import add

import numpy as np
import pytest

from worker.reduction.tree import additions, children, cover, recipe, reduce
from worker.shards import assign

SIZES = range(1, 18)
# Their sum in double precision depends on the order: 1e16 + 1 is 1e16.
AWKWARD = [1e16, 1.0, -1e16, 1.0, 3e-9, 1e8, -1.0, 1 / 3]


def symbols(left, right):
    return f"({left}+{right})"


def counter(leaves, plus):
    """The tree by another way: a binary counter. Equal sums merge as shards come; the rest folds from the right."""
    stack = []
    for i, leaf in enumerate(leaves):
        stack.append(leaf)
        for _ in range(((i + 1) & -(i + 1)).bit_length() - 1):  # carries of the increment
            right = stack.pop()
            stack.append(plus(stack.pop(), right))
    while len(stack) > 1:
        right = stack.pop()
        stack.append(plus(stack.pop(), right))
    return stack[0]


def assignments(shards):
    """Even, round-robin, all on the last rank, and at random, for every number of ranks."""
    draw = np.random.default_rng(shards)
    for ranks in range(1, shards + 2):
        yield [list(part) for part in assign(shards, ranks)]
        yield [list(range(rank, shards, ranks)) for rank in range(ranks)]
        yield [[]] * (ranks - 1) + [list(range(shards))]
        owner = draw.integers(0, ranks, shards)
        yield [[shard for shard in range(shards) if owner[shard] == rank] for rank in range(ranks)]


def over_ranks(leaves, held_by, plus):
    """What the exchange does: each rank sums the nodes it covers, then those are summed."""
    root = (0, len(leaves))
    single = {(i, i + 1): leaf for i, leaf in enumerate(leaves)}
    nodes = {node: reduce(node, single, plus) for held in held_by for node in cover(root, held)}
    return reduce(root, nodes, plus)


def test_the_tree_by_hand():
    trees = [over_ranks(list(range(n)), [range(n)], symbols) for n in (1, 2, 3, 4, 6)]
    assert trees == [0, "(0+1)", "((0+1)+2)", "((0+1)+(2+3))", "(((0+1)+(2+3))+(4+5))"]


@pytest.mark.parametrize("shards", SIZES)
def test_any_assignment_adds_in_the_same_order(shards):
    leaves = list(range(shards))
    expected = counter(leaves, symbols)
    for held_by in assignments(shards):
        assert over_ranks(leaves, held_by, symbols) == expected, held_by


@pytest.mark.parametrize("shards", SIZES)
def test_any_assignment_gives_the_same_bits(shards):
    leaves = [AWKWARD[i % 8] * (1 + i) for i in range(shards)]
    expected = counter(leaves, add)
    assert all(over_ranks(leaves, held_by, add) == expected for held_by in assignments(shards))


def test_these_numbers_would_tell_another_order():
    leaves = [AWKWARD[i % 8] * (1 + i) for i in range(17)]
    assert counter(leaves, add) != sum(leaves)


@pytest.mark.parametrize("shards", SIZES)
def test_a_cover_holds_each_shard_once_and_in_order(shards):
    for held_by in assignments(shards):
        for held in held_by:
            assert [shard for node in cover((0, shards), held) for shard in range(*node)] == held


@pytest.mark.parametrize("shards", SIZES)
def test_a_cover_is_made_of_the_largest_nodes(shards):
    """No two nodes of a cover are the children of one node."""
    for held_by in assignments(shards):
        covers = [cover((0, shards), held) for held in held_by]
        pairs = {pair for nodes in covers for pair in zip(nodes, nodes[1:])}
        assert not pairs & {children((low, high)) for low in range(shards) for high in range(low + 2, shards + 1) if inner(shards, (low, high))}


def inner(shards, node):
    """Whether `node` is one of the tree over `shards`."""
    here = (0, shards)
    while here != node and here[1] - here[0] > 1:
        left, right = children(here)
        here = left if node[0] < left[1] else right
    return here == node


def test_a_rank_that_holds_everything_covers_it_by_one_node():
    assert cover((0, 6), range(6)) == [(0, 6)]
    assert cover((0, 6), [0, 1, 3, 4, 5]) == [(0, 2), (3, 4), (4, 6)]
    assert cover((0, 6), []) == []


def cooked(shards, held, at_once=False):
    """What a rank that follows its recipe is left with: node → the sum as symbols. Checks what each buffer holds."""
    made = recipe((0, shards), held, at_once)
    buffers = [None] * made.count
    for shard in held:
        assert at_once or made.buffer[shard] not in {made.buffer[low] for low, high in made.left if high <= shard}
        buffers[made.buffer[shard]] = str(shard)
    if at_once:
        assert len(set(made.buffer.values())) == len(held)
    buffers = [None] * made.count
    for shard in held:
        buffers[made.buffer[shard]] = shard
        for into, part in made.merges[shard]:
            buffers[into], buffers[part] = symbols(buffers[into], buffers[part]), None if not at_once else buffers[part]
    return {node: buffers[i] for node, i in made.left.items()}


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("shards", SIZES)
def test_a_recipe_leaves_the_sums_of_the_cover(shards, at_once):
    leaves = {(i, i + 1): i for i in range(shards)}
    for held_by in assignments(shards):
        for held in held_by:
            expected = {node: reduce(node, leaves, symbols) for node in cover((0, shards), held)}
            assert cooked(shards, held, at_once) == expected, held


@pytest.mark.parametrize(("shards", "held", "buffers"), [
    (1, 1, 1), (2, 2, 2), (4, 4, 3), (16, 16, 5), (17, 17, 5), (16, 1, 1), (16, 0, 0)])
def test_a_recipe_keeps_one_gradient_a_level_of_the_tree(shards, held, buffers):
    assert recipe((0, shards), range(held), at_once=False).count == buffers
    assert recipe((0, shards), range(held), at_once=True).count == held


@pytest.mark.parametrize("shards", SIZES)
def test_no_recipe_needs_more_buffers_than_there_is_room_for(shards):
    """exact.py takes room for twice the levels of the tree, or for all shards: whatever shards a rank may get."""
    for held_by in assignments(shards):
        assert all(recipe((0, shards), held, at_once=False).count <= min(shards, 2 * shards.bit_length()) for held in held_by)


@pytest.mark.parametrize("shards", SIZES)
def test_additions_in_place_give_what_reduce_gives(shards):
    for held_by in assignments(shards):
        nodes = [node for held in held_by for node in cover((0, shards), held)]
        memory = [reduce(node, {(i, i + 1): i for i in range(shards)}, symbols) for node in nodes]
        pairs, at = additions((0, shards), {node: place for place, node in enumerate(nodes)})
        for into, part in pairs:
            memory[into] = symbols(memory[into], memory[part])
        assert memory[at] == counter(list(range(shards)), symbols)
