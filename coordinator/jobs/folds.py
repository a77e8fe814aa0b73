"""A job that is trained in folds: it has no ranks of its own, each of its folds is a job that has.

1. A fold's id is that of its job, a dash and its number: so who knows a fold knows its job.
2. The job is in the first state of ORDER that one of its folds is in: it has ended when all have, and well when all have.
"""

import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence

from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs.states import CANCELLED, CANCELLING, FAILED, PAUSED, PAUSING, QUEUED, RUNNING, STARTING, SUCCEEDED

ORDER = (RUNNING, STARTING, CANCELLING, PAUSING, QUEUED, PAUSED, FAILED, CANCELLED, SUCCEEDED)
DASH = "-"


def count(spec: JobSpec) -> int:
    """How many jobs it is trained in; 0 for one that is trained itself."""
    return spec.folds if spec.folds > 1 and not spec.fold else 0


def divided(job_id: str, spec: JobSpec) -> Iterator[tuple[str, JobSpec]]:
    """(id, spec) of each fold."""
    for fold in range(1, count(spec) + 1):
        yield f"{job_id}{DASH}{fold:0{len(str(spec.folds))}}", of(spec, fold)


def of(spec: JobSpec, fold: int) -> JobSpec:
    """A copy for that fold; 0: for all."""
    copy = JobSpec.FromString(spec.SerializeToString())
    copy.fold = fold
    return copy


def job_of(fold_id: str) -> str:
    """The id of its job; empty for what is no fold."""
    return fold_id.rpartition(DASH)[0]


def state(of_folds: Collection[int]) -> int:
    """Of the job whose folds are in these states."""
    return next(each for each in ORDER if each in of_folds)


def summary(evaluations: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """(mean, sample standard deviation) over the folds, by series; no deviation of less than two."""
    rows = {series: [each[series] for each in evaluations] for series in (evaluations[0] if evaluations else ())}
    deviations = {series: statistics.stdev(row) for series, row in rows.items() if len(row) > 1}
    return {series: statistics.fmean(row) for series, row in rows.items()}, deviations
