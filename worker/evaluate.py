"""Evaluation on held-out data, split over the same shards as training: nothing padded, same bits.

The data is read in order, in batches of the training's size, each cut into the logical shards. A shard's
sums over all batches are added in order by whoever holds it, then over shards in the tree.
"""

from collections.abc import Sequence

import numpy as np

from bpcore.arena import Vector
from bpcore.model import Model
from worker.datasets import Dataset
from worker.shards import cut
from worker.step import Voter


def evaluate(model: Model, parameters: Vector, data: Dataset, batch_size: int, shards: int,
             mine: Sequence[int], voter: Voter) -> dict[str, float]:
    """`loss` and each metric over all of `data`. Collective."""
    rows = {shard: np.zeros(model.row_width) for shard in mine}
    for start in range(0, len(data), batch_size):
        parts = cut(slice(start, min(start + batch_size, len(data))), shards)
        for shard in mine:
            if parts[shard].start < parts[shard].stop:
                rows[shard] += model.evaluate(parameters, data.read(np.arange(parts[shard].start, parts[shard].stop)))
    return model.summary(voter.vote(rows).row)
