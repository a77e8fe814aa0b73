"""What cross-validation has found: of each fold one evaluation, and over the folds mean and deviation.

The evaluation is the last one, or with `checkpoint: {keep_best: true}` the one with the lowest loss, whose checkpoint is kept.
"""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bptrain.v1.job_service_pb2 import Job
from bptrain.v1.report_pb2 import AttemptEnded
from coordinator.jobs import states
from coordinator.terminal.columns import columns
from worker.record import journal
from worker.record.rundir import RunDir, write_whole

REPORT = "folds.json"
Values = Mapping[str, float]


def folder(parent: Path, fold: int) -> Path:
    """Where that fold is trained, from 1 on: a run like any other."""
    return parent / f"fold-{fold}"


def is_done(place: RunDir) -> bool:
    """Whether the run there has ended by itself."""
    ends = [report.ended.outcome for report in journal.read(place.journal) if report.HasField("ended")]
    return bool(ends) and ends[-1] == AttemptEnded.OUTCOME_COMPLETED


def evaluation(place: RunDir, best: bool) -> Values:
    """Series → value, of the last evaluation or the best one."""
    found: dict[int, dict[str, float]] = {}
    for report in journal.read(place.journal):
        for column in report.points.columns:
            if column.series.startswith("eval_"):
                for step, value in zip(report.points.steps, column.values):
                    found.setdefault(step, {})[column.series] = value
    step = min(found, key=lambda each: found[each]["eval_loss"]) if best else max(found)
    return found[step]


def report(parent: Path, values: Sequence[Values]) -> Iterator[str]:
    """Writes folds.json; lines of a table, a series each."""
    rows = {series: [fold[series] for fold in values] for series in values[0]}
    found = {series: {"mean": statistics.fmean(row), "deviation": statistics.stdev(row), "folds": row} for series, row in rows.items()}
    write_whole(parent / REPORT, json.dumps(found, indent=2).encode())
    width = max(map(len, rows))
    for series, each in found.items():
        folds = "  ".join(f"{value:.4g}" for value in each["folds"])
        yield f"{series:<{width}}  {each['mean']:.4g} ± {each['deviation']:.2g}  ({folds})"


def table(job: Job) -> str:
    """A line a fold of a coordinator's job, and mean ± deviation of those that have succeeded."""
    series = sorted({name for fold in job.folds for name in fold.evaluation})
    rows = [(str(fold.fold), fold.job_id, states.label(fold.state), f"{fold.progress.step}/{fold.progress.total_steps}",
             *(f"{fold.evaluation[name]:.4g}" if name in fold.evaluation else "-" for name in series)) for fold in job.folds]
    together = ("", "mean ± deviation", "", "", *(spread(job, name) for name in series))
    return columns(("fold", "id", "state", "step", *series), [*rows, together])


def spread(job: Job, series: str) -> str:
    """Such as `0.972 ± 0.012`."""
    if series not in job.latest:
        return "-"
    return f"{job.latest[series]:.4g}" + (f" ± {job.deviation[series]:.2g}" if series in job.deviation else "")
