"""The fixed binary tree in which shards are summed.

1. The tree depends on the number of shards alone: [0, V) splits at the largest power of two below its
   length, down to single shards. So (0+1)+(2+3) is summed in that order whoever holds the shards.
2. A node is a pair (low, high): the sum of shards low … high−1.
3. Floating-point addition is commutative but not associative; fixing the tree fixes the bits.
"""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

Node = tuple[int, int]
Value = TypeVar("Value")


def children(node: Node) -> tuple[Node, Node]:
    """The two nodes that add up to `node`, which spans at least two shards."""
    low, high = node
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    return (low, middle), (middle, high)


def cover(node: Node, shards: Collection[int]) -> list[Node]:
    """The largest nodes under `node` whose shards are all among `shards`, in order: what a rank that
    holds these can sum by itself."""
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
