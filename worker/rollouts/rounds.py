"""Which samples belong to which step where each shard has samples of its own."""

from dataclasses import dataclass

import numpy as np

from bpcore import rng
from worker.shards import Schedule


@dataclass(frozen=True)
class Rounds(Schedule):
    """An epoch is so many `passes` over what each of so many `shards` has played, which is as much for all. Shard s has the
    samples from s · samples / shards on, pass after pass. `batch_size` is a multiple of `shards`: each batch takes as many
    of every shard, in an order drawn for each pass."""

    shards: int
    passes: int

    def order(self, epoch):
        """Cut into batches, and these into shards (worker/shards.py), each shard gets samples of its own."""
        places = np.stack([self._of_shard(epoch, shard) for shard in range(self.shards)])
        share = self.batch_size // self.shards
        whole = places.shape[1] // share * share
        batches = places[:, :whole].reshape(self.shards, -1, share).transpose(1, 0, 2)
        return np.concatenate([batches.ravel(), places[:, whole:].ravel()])

    def _of_shard(self, epoch: int, shard: int) -> np.ndarray:
        steps = self.samples // self.shards // self.passes
        first = shard * self.passes * steps
        return np.concatenate([first + each * steps + rng.permutation(steps, self.seed, rng.ORDER, epoch, shard, each)
                               for each in range(self.passes)])
