"""What cross-validation has found: of each fold one evaluation, and over the folds mean and deviation.

The evaluation is the last one, or with `checkpoint: {keep_best: true}` the one with the lowest loss, whose checkpoint is kept.
"""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bptrain.v1.report_pb2 import AttemptEnded
from worker import journal
from worker.rundir import RunDir, write_whole

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
