"""Vanishing and exploding signals, layer by layer.

activation_rms/NODE    root mean square of a layer's outputs over the global batch
dead_share/NODE        share of its units that were 0 for every sample of a shard, mean over shards
gradient_norm/NODE     Euclidean norm of the mean gradient of a layer's parameters
"""

import numpy as np

from bpcore.arena import Vector
from bpcore.graph import Graph
from bpcore.layers import Workspace

WIDTH = 4  # numbers a node in a shard's row


def row(steps: list[Workspace]) -> np.ndarray:
    """Sums over one shard's batch that add up over shards; float64 (nodes · WIDTH,)."""
    return np.concatenate([_sums(w.y) for w in steps])


def values(graph: Graph, sums: np.ndarray, gradient_sum: Vector, count: float) -> dict[str, float]:
    """The figures above by name. `sums`: of `row` over all shards; `count`: what the loss sum is divided by."""
    table = sums.reshape(len(graph.nodes), WIDTH)
    found: dict[str, float] = {}
    for node, (squares, size, dead, units), gradients in zip(graph.nodes, table, gradient_sum.nodes):
        found[f"activation_rms/{node.name}"] = float(np.sqrt(squares / size))
        found[f"dead_share/{node.name}"] = float(dead / units)
        trained = [g for name, g in gradients.items() if node.parameters[name].momentum is None]
        if trained:
            total = sum(float(np.square(g, dtype=np.float64).sum()) for g in trained)
            found[f"gradient_norm/{node.name}"] = float(np.sqrt(total) / count)
    return found


def _sums(y: np.ndarray) -> np.ndarray:
    silent = ~(y != 0).any(axis=0)
    return np.array([np.square(y, dtype=np.float64).sum(), y.size, silent.sum(), silent.size], np.float64)
