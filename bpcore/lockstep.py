"""Several shards layer by layer, for models with layers that look at the whole global batch.

Such a layer (synchronised batch normalisation) waits, before its forward and before its backward pass, for
sums over all shards of all ranks. All others run as in model.py; each shard has buffers of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bpcore import diagnosis
from bpcore.arena import Vector
from bpcore.fields import Batch
from bpcore.model import Model
from bpcore.plan import Key, Plan

# (layer, shard → its part) → the sum over all shards of all ranks; collective.
Total = Callable[[int, Mapping[int, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Work:
    """One shard: its batch, and where its gradient goes."""

    batch: Batch
    out: Vector
    key: Key


def widths(model: Model) -> dict[int, int]:
    """Layer → how many sums it needs, for those that need any."""
    graph = model.spec.graph
    shapes = [given.shape for given in graph.inputs] + [node.shape for node in graph.nodes]
    found = {i: node.layer.whole_batch(*(shapes[place] for place in node.inputs)) for i, node in enumerate(graph.nodes)}
    return {i: width for i, width in found.items() if width}


def gradients(model: Model, parameters: Vector, work: Mapping[int, Work], counts: Sequence[float], total: Total) -> dict[int, np.ndarray]:
    """Shard → its row of sums; the gradients are in `work`. Every rank calls this, also one without shards."""
    plans = _plans(model, work)
    for shard, item in work.items():
        plans[shard].load(parameters, item.batch, True, item.key)
    needs = widths(model)
    for position, node in enumerate(model.spec.graph.nodes):
        _share_totals(model, plans, position, position in needs, False, total)
        for plan in plans.values():
            node.layer.forward(plan.steps[position])
    model.on_forward()
    rows = {shard: model.losses(plans[shard], item.batch, counts) for shard, item in work.items()}
    for position in reversed(range(len(model.spec.graph.nodes))):
        _share_totals(model, plans, position, position in needs, True, total)
        for shard, item in work.items():
            plans[shard].backward_layer(position, item.out)
    return rows


def diagnoses(model: Model, work: Mapping[int, Work]) -> dict[int, np.ndarray]:
    """Shard → its row of bpcore/diagnosis.py, of the call of `gradients` with this work just before."""
    return {shard: diagnosis.row(plan.steps) for shard, plan in _plans(model, work).items()}


def _plans(model: Model, work: Mapping[int, Work]) -> dict[int, Plan]:
    """Shard → buffers that no other shard has."""
    return {shard: model.plan(len(next(iter(item.batch.values()))), place=1 + place)
            for place, (shard, item) in enumerate(work.items())}


def _share_totals(model: Model, plans: Mapping[int, Plan], position: int, needed: bool, backward: bool, total: Total) -> None:
    if not needed:
        return
    layer = model.spec.graph.nodes[position].layer
    totals = total(position, {shard: layer.collect(plan.steps[position], backward) for shard, plan in plans.items()})
    for plan in plans.values():
        plan.steps[position].totals, plan.shares_totals = totals, True
