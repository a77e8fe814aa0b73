"""Evaluation on held-out data, split over the same shards as training: nothing padded, same bits.

The data is read in order, in batches of the training's size, each cut into the logical shards. A shard's
sums over all batches are added in order by whoever holds it, then over shards in the tree.
"""

import numpy as np

from bpcore.arena import Vector
from bpcore.model import Model
from worker.comm import Watch
from worker.datasets import Dataset
from worker.shards import cut
from worker.step import Stepper


def evaluate(model: Model, parameters: Vector, data: Dataset, batch_size: int, stepper: Stepper, watch: Watch) -> np.ndarray:
    """The row of sums over all of `data`: of loss and metrics. `watch` is told of every batch. Collective."""
    rows = {shard: np.zeros(model.row_width) for shard in stepper.mine}
    for start in range(0, len(data), batch_size):
        parts = cut(slice(start, min(start + batch_size, len(data))), stepper.shards)
        watch.goes_on()
        for shard in stepper.mine:
            if parts[shard].start < parts[shard].stop:
                rows[shard] += model.evaluate(parameters, data.read(np.arange(parts[shard].start, parts[shard].stop)))
    return stepper.voter.vote(rows).row
