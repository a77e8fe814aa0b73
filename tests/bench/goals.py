"""What applications must reach, on held-out data, at the end of training: goals that look at a run.

A goal has `wanted`, its words in the table, and `look`, which says in words what was reached and whether that is enough.
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import yaml

from worker.datasets import FORMATS, DataRoot
from worker.record import journal


@dataclass(frozen=True)
class Run:
    """A job that was trained into `folder`, in so many seconds from command to prompt."""

    job: Path
    folder: Path
    seconds: float

    def curve(self, series: str) -> list[tuple[int, float]]:
        """(step, value) of a series of evaluations."""
        return [(step, column.values[i]) for report in journal.read(self.folder / "journal") for column in report.points.columns
                if column.series == f"eval_{series}" for i, step in enumerate(report.points.steps)]

    def last(self, series: str) -> float:
        return self.curve(series)[-1][1]


Train = Callable[[Path], Run]


class Goal:
    """The base class."""

    wanted: str

    def look(self, run: Run, train: Train) -> tuple[str, bool]:
        """(what was reached, whether it is enough). `train`: trains another job file."""
        raise NotImplementedError


@dataclass(frozen=True)
class AtLeast(Goal):
    series: str
    bound: float

    @property
    def wanted(self) -> str:
        return f"{named(self.series)} ≥ {self.bound}"

    def look(self, run, train):
        value = run.last(self.series)
        return f"{named(self.series)} {value:.3f}", value >= self.bound


@dataclass(frozen=True)
class AtMost(Goal):
    series: str
    bound: float

    @property
    def wanted(self) -> str:
        return f"{named(self.series)} ≤ {self.bound}"

    def look(self, run, train):
        value = run.last(self.series)
        return f"{named(self.series)} {value:.3f}", value <= self.bound


@dataclass(frozen=True)
class MeanAtLeast(Goal):
    """Over the folds of a job."""

    series: str
    bound: float

    @property
    def wanted(self) -> str:
        return f"mean {named(self.series)} ≥ {self.bound}"

    def look(self, run, train):
        found = json.loads((run.folder / "folds.json").read_text())[f"eval_{self.series}"]
        text = f"{named(self.series)} {found['mean']:.3f} ± {found['deviation']:.3f} over {len(found['folds'])} folds"
        return text, found["mean"] >= self.bound


@dataclass(frozen=True)
class NeverLoses(Goal):
    """Against a player that never loses, so that what is missing to a mean of 0 is games lost."""

    games: int

    @property
    def wanted(self) -> str:
        return f"loses none of {self.games} games against a perfect player"

    def look(self, run, train):
        lost = round(-self.games * run.last("policy_episode_return"))
        return f"lost {lost} of {self.games} games", lost == 0


@dataclass(frozen=True)
class Bits(Goal):
    """Of the loss, which is in nats."""

    bound: float

    @property
    def wanted(self) -> str:
        return f"bits a character ≤ {self.bound}"

    def look(self, run, train):
        bits = run.last("loss") / math.log(2)
        return f"{bits:.2f} bits a character", bits <= self.bound


class BeatsRidge(Goal):
    """Against scikit-learn's ridge regression on the same samples, its penalty chosen by cross-validation among them."""

    wanted = "R² at least that of ridge regression"

    def look(self, run, train):
        from sklearn.linear_model import RidgeCV

        data = yaml.safe_load(run.job.read_text())["data"]
        known, held_out = (opened.read(np.arange(len(opened))) for opened in (FORMATS.build(data[part]).open(DataRoot(Path())) for part in ("train", "eval")))
        ridge = RidgeCV(alphas=np.logspace(-3, 1, 20)).fit(known["x"], known["y"])
        ours, theirs = run.last("r2"), ridge.score(held_out["x"], held_out["y"])
        return f"R² {ours:.3f}, ridge {theirs:.3f}", ours >= theirs


@dataclass(frozen=True)
class HalfTheSteps(Goal):
    """Against the same job without start and with nothing frozen."""

    accuracy: float

    @property
    def wanted(self) -> str:
        return f"accuracy {self.accuracy} in half the steps of training from the beginning"

    def look(self, run, train):
        file = run.folder.parent / "from_the_beginning.yaml"
        kept = {key: value for key, value in yaml.safe_load(run.job.read_text()).items() if key not in ("start", "groups")}
        file.write_text(yaml.safe_dump(kept))
        other = train(file)
        ours, theirs = (self._steps(each) for each in (run, other))
        return f"{words(ours, run)}; from the beginning {words(theirs, other)}", 2 * ours <= min(theirs, other.curve("accuracy")[-1][0] + 1)

    def _steps(self, run: Run) -> float:
        """How many it took, by the evaluations; infinity where it never came that far."""
        return min((step + 1 for step, value in run.curve("accuracy") if value >= self.accuracy), default=math.inf)


@dataclass(frozen=True)
class AddsUp(Goal):
    """Of the integrated gradients that `bptrain explain` shows."""

    error: float
    samples: ClassVar[int] = 5

    @property
    def wanted(self) -> str:
        return f"completeness error ≤ {self.error:.0%}"

    def look(self, run, train):
        errors = [self._error(run, sample) for sample in range(self.samples)]
        return f"completeness error {max(errors):.2%} at most, of {self.samples} digits", max(errors) <= self.error

    def _error(self, run: Run, sample: int) -> float:
        command = [Path(sys.executable).with_name("bptrain"), "explain", run.folder, "--sample", str(sample)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return float(done.stdout.rpartition("off by ")[2].rstrip("%\n")) / 100


def words(steps: float, run: Run) -> str:
    return f"{steps} steps" if steps < math.inf else f"not in {run.curve('accuracy')[-1][0] + 1}"


def named(series: str) -> str:
    """A series as the table calls it."""
    return {"box_box_iou": "mean IoU", "iou": "IoU", "policy_episode_return": "mean return", "auc": "AUC", "rmse": "RMSE", "relative_rmse": "error over constant velocity's",
            "exact_match": "exact match", "word_error_rate": "word error", "object_recall": "recall", "object_precision": "precision"}.get(series, series)
