"""Computes a step of a run again, in one process, and compares it with what was recorded.

    python -m worker.record.replay FOLDER --step S

1. It begins at the newest checkpoint at or before the step, and takes the steps up to it as the ranks did: all
   shards, one after the other, in the same tree.
2. What the steps depend on beside parameters and data is in the journal: the held-out losses until then (a schedule
   may follow them), and how many steps the whole job had.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bpcore.errors import BptrainError, InvalidInput, Problem, expected
from bpcore.model import Model
from bpcore.optimization.update import Updater
from bpcore.schedules import Clock
from worker.comm.alone import Alone
from worker.crew import Crew
from worker.data.reading import Input
from worker.errors import Unavailable, exit_code
from worker.jobs import checks, jobfile, specs
from worker.jobs.job import Job
from worker.node import replica
from worker.node.memory import Segment
from worker.node.replica import Replica
from worker.record import checkpoint, journal
from worker.record.console import complain, say
from worker.record.rundir import RunDir
from worker.step import Stepper
from worker.vote import Flags


@dataclass
class Recorded:
    """A journal's curve, each step once. `rows[step]`: series → value; `totals[step]`: steps of the whole job when it
    was computed; `held_out[step]`: the loss over held-out data behind it; `ends[steps]`: the digest of an attempt's end."""

    rows: dict[int, dict[str, float]] = field(default_factory=dict)
    totals: dict[int, int] = field(default_factory=dict)
    held_out: dict[int, float] = field(default_factory=dict)
    ends: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Recorded":
        found, total = cls(), 0
        for report in journal.read(path):
            total = report.started.total_steps or total
            if report.ended.digest:
                found.ends[report.ended.step] = report.ended.digest
            for column in report.points.columns:
                points = zip(report.points.steps, column.values)
                if column.series == "eval_loss":
                    found.held_out.update(points)
                elif "/" not in column.series and not column.series.startswith("eval_"):
                    for step, value in points:
                        found.rows.setdefault(step, {})[column.series] = value
                        found.totals[step] = total
        return found


@dataclass(frozen=True)
class Replayed:
    """`first`: the step that it began with. `values`: series → (computed again, recorded). `digests`: whose → the
    parameters' behind the step, `digest` being the one computed again."""

    first: int
    values: Mapping[str, tuple[float, float]]
    digest: str
    digests: Mapping[str, str]

    @property
    def is_same(self) -> bool:
        same = all(np.float64(one).tobytes() == np.float64(other).tobytes() for one, other in self.values.values())
        return same and all(other == self.digest for other in self.digests.values())


def replay(folder: RunDir, step: int, data_root: Path, from_start: bool = False) -> Replayed:
    """`from_start`: from the initial parameters. Raises InvalidInput, or Unavailable where there is nothing to begin
    with."""
    job, recorded = _job(folder, data_root), Recorded.read(folder.journal)
    if step not in recorded.rows:
        known = f"a step from 0 to {max(recorded.rows)}, the run's last one" if recorded.rows else "a run that has done a step"
        raise InvalidInput([Problem("step", expected(known, step))])
    model = Model(job.maths)
    updater = Updater(job.maths, model.layout)
    own = Replica(model.layout, updater, Segment.new(replica.size_bytes(model.layout, updater, model.row_width)), model.row_width)
    _begin(own, folder, job, model, -1 if from_start else step)
    first, stepper = own.steps, _stepper(job, model, updater, own)
    while own.steps <= step:
        held_out = [recorded.held_out[each] for each in sorted(recorded.held_out) if each < own.steps]
        clock = Clock(own.steps, recorded.totals[own.steps], job.schedule.steps_per_epoch, held_out)
        vote = stepper.run(own.steps, job.maths.schedule.factor(clock), Flags)
        if not vote.committed:
            raise Unavailable(f"step {own.steps}, computed again, is not finite, but it was when it was recorded")
    values = {name: (value, recorded.rows[step].get(name, np.nan)) for name, value in model.summary(vote.row).items()}
    kept = {f"the checkpoint of step {step + 1}": checkpoint.digest(folder.checkpoints, step + 1), "the end record": recorded.ends.get(step + 1, "")}
    return Replayed(first, values, own.current.parameters.digest(), {whose: digest for whose, digest in kept.items() if digest})


def _job(folder: RunDir, data_root: Path) -> Job:
    if not folder.job.exists():
        raise Unavailable(f"{folder.path} is not the folder of a run")
    spec, problems = jobfile.read(folder.job)
    return checks.check(spec, data_root, problems)


def _begin(own: Replica, folder: RunDir, job: Job, model: Model, most: int) -> None:
    """The newest checkpoint of at most `most` steps done; −1: none, but what the training began with."""
    if most >= 0:
        try:
            loaded = checkpoint.load_newest(folder.checkpoints, own.current, specs.fingerprint(job.spec), most)
        except Unavailable:
            kept = ", ".join(path.name for path in sorted(folder.checkpoints.glob("step-*"))) or "none"
            raise Unavailable(f"no whole checkpoint at or before step {most} is kept (there are: {kept}); "
                              "add --from-start to compute all steps from the first one on") from None
        own.set(loaded.step, loaded.used)
        return
    own.current.parameters.flat[...] = model.initialize(job.spec.seed).flat
    if job.start:
        job.start.apply(own.current.parameters)
    own.set(0)


def _stepper(job: Job, model: Model, updater: Updater, own: Replica) -> Stepper:
    shards = job.spec.logical_shards
    samples = job.samples(model, lambda: own.epoch_start(job.schedule))
    stepper = Stepper(Crew.meet(Alone(), shared_memory=False), model, updater, own, job.reduction, Input(samples), job.schedule, shards)
    stepper.assign([range(shards)])
    return stepper


def main(arguments: list[str]) -> int:
    """0 the same, 1 different."""
    parser = argparse.ArgumentParser(prog="python -m worker.record.replay")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--step", type=int, required=True)
    parser.add_argument("--data-root", type=Path, default=Path())
    parser.add_argument("--from-start", action="store_true")
    asked = parser.parse_args(arguments)
    np.seterr(all="ignore")
    try:
        found = replay(RunDir(asked.folder), asked.step, asked.data_root, asked.from_start)
    except BptrainError as error:
        complain(error)
        return exit_code(error)
    say(f"step {asked.step} computed again, from step {found.first} on")
    for name, (computed, recorded) in found.values.items():
        say(f"{name:<16}  {computed!r:<24}  {'the same' if computed == recorded else f'recorded: {recorded!r}'}")
    say(f"parameters sha256:{found.digest}")
    for whose, digest in found.digests.items():
        say(f"{whose}: {'the same' if digest == found.digest else f'sha256:{digest}'}")
    say("same bits" if found.is_same else "different bits")
    return 0 if found.is_same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
