"""What the folds of a job have reached, each and together."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np

from bptrain.v1.job_service_pb2 import Fold, Job, Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import folds, states
from coordinator.store import jobs, points


def fill(connection: sqlite3.Connection, job: Job) -> None:
    """Of a job that is trained in folds: these, its progress, and mean and deviation of those that have succeeded."""
    job.folds.extend(_fold(connection, row) for row in jobs.folds(connection, job.id))
    each = [fold.progress for fold in job.folds]
    job.progress.CopyFrom(Progress(
        step=sum(one.step for one in each), total_steps=len(each) * max(one.total_steps for one in each), epoch=min(one.epoch for one in each),
        epochs=job.spec.epochs, samples_s=sum(fold.progress.samples_s for fold in job.folds if fold.state == states.RUNNING)))
    mean, deviation = folds.summary([fold.evaluation for fold in job.folds if fold.state == states.SUCCEEDED])
    job.latest.update(mean)
    job.deviation.update(deviation)


def _fold(connection: sqlite3.Connection, row: sqlite3.Row) -> Fold:
    spec = JobSpec.FromString(row["spec"])
    return Fold(fold=spec.fold, job_id=row["id"], state=row["state"], progress=Progress.FromString(row["progress"]),
                evaluation=_best(connection, row["id"]) if spec.checkpoint.keep_best else _of_evaluation(json.loads(row["latest"])))


def _best(connection: sqlite3.Connection, job_id: str) -> dict[str, float]:
    """Series → value, of the evaluation with the lowest loss."""
    found = _of_evaluation({row["name"]: points.read(connection, row["id"]).values for row in points.series(connection, job_id)})
    place = int(np.argmin(np.nan_to_num(found["eval_loss"], nan=np.inf))) if found else 0
    return {name: float(values[place]) for name, values in found.items()}


def _of_evaluation(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name.startswith("eval_")}
