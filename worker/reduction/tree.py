"""The fixed binary tree in which shards are summed.

1. The tree depends on the number of shards alone: [0, V) splits at the largest power of two below its
   length, down to single shards. So (0+1)+(2+3) is summed in that order whoever holds the shards.
2. A node is a pair (low, high): the sum of shards low … high−1.
3. Floating-point addition is commutative but not associative; fixing the tree fixes the bits.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TypeVar

Node = tuple[int, int]
Value = TypeVar("Value")


def children(node: Node) -> tuple[Node, Node]:
    """The two nodes that add up to `node`, which spans at least two shards."""
    low, high = node
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    return (low, middle), (middle, high)


def cover(node: Node, shards: Collection[int]) -> list[Node]:
    """The largest nodes under `node` whose shards are all among `shards`, in order: what those who hold
    these can sum by themselves."""
    held = sum(shard in shards for shard in range(*node))
    if held == 0:
        return []
    if held == node[1] - node[0]:
        return [node]
    return [part for child in children(node) for part in cover(child, shards)]


def reduce(node: Node, values: Mapping[Node, Value], add: Callable[[Value, Value], Value]) -> Value:
    """The value of `node` from those of nodes below it, added in the tree's order."""
    if node in values:
        return values[node]
    left, right = children(node)
    return add(reduce(left, values, add), reduce(right, values, add))


def additions(node: Node, values: Mapping[Node, Value]) -> tuple[list[tuple[Value, Value]], Value]:
    """What `reduce` adds, when each sum takes the place of its left part: (left, right) in order; and where
    the sum of `node` then is."""
    pairs: list[tuple[Value, Value]] = []

    def add(left: Value, right: Value) -> Value:
        pairs.append((left, right))
        return left

    return pairs, reduce(node, values, add)


@dataclass(frozen=True)
class Recipe:
    """Which buffers one rank's gradients go through. `buffer`: of each shard; `merges`: what is added behind
    each shard, (into, from); `left`: the nodes that are left at the end; `count`: of buffers."""

    buffer: Mapping[int, int]
    merges: Mapping[int, Sequence[tuple[int, int]]]
    left: Mapping[Node, int]
    count: int


def recipe(root: Node, shards: Sequence[int], at_once: bool) -> Recipe:
    """For shards computed in ascending order, each subtree added up as soon as it is whole, so that only one
    gradient for each level of the tree is kept. `at_once`: all are computed side by side."""
    free = list(range(len(shards)))
    heapify(free)
    buffer: dict[int, int] = {}
    merges: dict[int, list[tuple[int, int]]] = {}
    stack: list[tuple[Node, int]] = []
    for shard in shards:
        buffer[shard], merges[shard] = heappop(free), []
        stack.append(((shard, shard + 1), buffer[shard]))
        while len(stack) > 1 and _siblings(root, stack[-2][0], stack[-1][0]):
            (left, into), (right, part) = stack[-2:]
            stack[-2:] = [((left[0], right[1]), into)]
            merges[shard].append((into, part))
            if not at_once:
                heappush(free, part)
    return Recipe(buffer, merges, dict(stack), 1 + max(buffer.values(), default=-1))


def _siblings(root: Node, left: Node, right: Node) -> bool:
    """Whether both are the two children of one node of the tree."""
    node = root
    while node[1] - node[0] > 1:
        halves = children(node)
        if halves == (left, right):
            return True
        node = halves[0] if left[0] < halves[0][1] else halves[1]
    return False
