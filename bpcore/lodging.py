"""Which outputs lie in the memory of an input, and which layers do the relu behind them in their own pass.

A layer may write its output over an input of its (`over_inputs`) that nobody needs any more: no other layer or loss
reads it, and the layer that wrote it doesn't look at it again in its backward pass (`keeps_output`).
"""

from collections.abc import Set

from bpcore.graph import Graph
from bpcore.layers.relu import Relu


def hosts(graph: Graph, heads: Set[int]) -> dict[int, int]:
    """Node → the input, a node too, whose memory its output takes."""
    first = len(graph.inputs)
    readers = [place for node in graph.nodes for place in node.inputs]
    found = {}
    for position, node in enumerate(graph.nodes):
        for place in node.inputs[:node.layer.over_inputs]:
            host = place - first
            if host >= 0 and host not in heads and readers.count(place) == 1 and not graph.nodes[host].layer.keeps_output:
                found[position] = host
                break
    return found


def rectified(graph: Graph, hosts: dict[int, int]) -> dict[int, int]:
    """relu → the node that does its work; in each other's memory they are one."""
    return {position: host for position, host in hosts.items()
            if isinstance(graph.nodes[position].layer, Relu) and graph.nodes[host].layer.rectifies}
