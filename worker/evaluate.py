"""Evaluation on held-out data, split over the same shards as training: nothing padded, same bits.

The data is read in order, in batches of the training's size, each cut into the logical shards. A shard's
sums over all batches are added in order by whoever holds it, then over shards in the tree. What takes long to
read is read ahead (reading.py).
"""

import json
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from bpcore.arena import Vector
from bpcore.fields import Batch
from bpcore.model import Model
from worker.comm.watch import Watch
from worker.data.reading import in_turn
from worker.datasets import Dataset
from worker.errors import BadSample, TrainingFailed
from worker.jobs.job import Job
from worker.rollouts.contests import Contests
from worker.rollouts.played import Unplayed
from worker.shards import cut
from worker.step import Stepper


class HeldOut:
    """Evaluation of a job on its held-out samples."""

    def __init__(self, model: Model, data: Dataset, batch_size: int):
        self._model, self._data, self._batch_size = model, data, batch_size
        self.summary = model.summary

    def run(self, parameters: Vector, stepper: Stepper, watch: Watch) -> np.ndarray:
        return evaluate(self._model, parameters, self._data, self._batch_size, stepper, watch)


def evaluation(job: Job, model: Model) -> HeldOut | Contests | None:
    """What `run` makes a row of, and `summary` series by name; None where nothing is evaluated."""
    if isinstance(job.train, Unplayed):
        return Contests(model, job.train.environment, job.spec.seed)
    return HeldOut(model, job.eval, job.schedule.batch_size) if job.eval else None


def evaluate(model: Model, parameters: Vector, data: Dataset, batch_size: int, stepper: Stepper, watch: Watch) -> np.ndarray:
    """The row of sums over all of `data`: of loss and metrics. `watch` is told of every batch. Raises TrainingFailed where
    a sample cannot be had. Collective."""
    bad, rows = [], {shard: np.zeros(model.row_width) for shard in stepper.mine}
    with closing(in_turn(data, _steps(len(data), batch_size, stepper))) as found:
        for batches in found:
            watch.goes_on()
            for shard, batch in zip(stepper.mine, batches):
                rows[shard] += _row(model, parameters, batch, bad)
    row = stepper.voter.vote(rows).row
    if np.isnan(row).any():
        told = [json.loads(each) for each in stepper.crew.comm.gather_all(json.dumps(bad[:1]).encode())]
        if any(told):
            raise TrainingFailed(f"evaluation: {next(filter(None, told))[0]}")
    return row


def _steps(samples: int, batch_size: int, stepper: Stepper) -> Iterator[list[slice]]:
    """The parts of this rank's shards, batch after batch."""
    for start in range(0, samples, batch_size):
        parts = cut(slice(start, min(start + batch_size, samples)), stepper.shards)
        yield [parts[shard] for shard in stepper.mine]


def _row(model: Model, parameters: Vector, batch: Batch | BadSample, bad: list[str]) -> np.ndarray | float:
    """Zero where all samples are left out; not a number where one cannot be had: then it is in `bad`."""
    if isinstance(batch, BadSample):
        bad.append(batch.advised)
        return np.nan
    return model.evaluate(parameters, batch) if len(next(iter(batch.values()))) else 0
