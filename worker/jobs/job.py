"""What a rank trains: a job that was checked (checks.py)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import bpcore
from bpcore.arena import Vector
from bpcore.model import Model
from bpcore.transfer import Match
from bptrain.v1.spec_pb2 import JobSpec
from worker.comm.watch import Unwatched, Watch
from worker.data.remote import Remote
from worker.data.transformed import Chain
from worker.datasets import Dataset
from worker.exchange import Reduction
from worker.rollouts.played import Unplayed
from worker.shards import Schedule


@dataclass(frozen=True)
class Job:
    """A checked job: the spec with its defaults filled in, its mathematics, its data, what it starts from. Where it has an
    environment, `train` is what is known of the samples before they are played."""

    spec: JobSpec
    maths: bpcore.Spec
    train: Dataset | Unplayed
    eval: Dataset | None
    reduction: Reduction
    start: Match | None = None
    chain: Chain | None = None
    remote: Remote | None = None  # keeps the copies of remote data
    left_out: int = 0  # rows of the training data's files that are no samples, where the job asked for that

    def learned(self) -> dict[str, Any]:
        """What was learned of the training data, as JSON: all that predicting needs of it. Empty where there is nothing."""
        found = {"data": dict(self.train.learned), "transforms": list(self.chain.learned) if self.chain else []}
        return {name: each for name, each in found.items() if each}

    @cached_property
    def schedule(self) -> Schedule:
        if isinstance(self.train, Unplayed):
            return self.train.schedule(self.spec.batch_size, self.spec.epochs)
        return Schedule(len(self.train), self.spec.batch_size, self.spec.epochs, self.spec.seed)

    def samples(self, model: Model, start: Callable[[], Vector], watch: Watch = Unwatched()) -> Dataset:
        """What is trained on. `start()`: the parameters that the epoch began with, which play where there is an environment;
        `watch` is told while they do."""
        return self.train.by(model, start, watch) if isinstance(self.train, Unplayed) else self.train
