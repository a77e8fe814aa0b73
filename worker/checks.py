"""JobSpec → Job: everything that can be known before the first step is checked here, once.

Used by the coordinator at submit, by `bptrain run`, and by the ranks, so that all three refuse the
same things in the same words.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load_file

import bpcore
from bpcore.arena import Vector
from bpcore.errors import InvalidInput, Problem, expected, unless_known
from bpcore.model import Model
from bpcore.transfer import Match, match
from bptrain.v1.spec_pb2 import JobSpec
from worker import folds, jobfile
from worker.balanced import Balanced
from worker.comm import Unwatched, Watch
from worker.datasets import FORMATS, DataRoot, Dataset
from worker.exchange import REDUCTIONS, Reduction
from worker.remote import Remote
from worker.rollouts import asked
from worker.rollouts.played import Unplayed
from worker.shards import Schedule
from worker.sources.split import Fold, Source
from worker.transformed import Chain, Transformed, Varied
from worker.transforms import TRANSFORMS, Transform

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PRIORITY, HIGHEST_PRIORITY = 50, 100
MOST_LABELS = 32
NOT_SHARDABLE = "BATCH_NOT_SHARDABLE"  # the reason of a problem
# What two specs of one run may differ in: nothing of it is in the bits of a step.
FREE = {"name", "ranks", "threads_per_rank", "epochs", "checkpoint", "start", "diagnose_every", "early_stopping", "shared_memory",
        "recovery", "labels", "priority", "time_limit_s", "deadline", "retry"}


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


def check(spec: JobSpec, data_root: Path, earlier: Sequence[Problem] = ()) -> Job:
    """Raises InvalidInput with every problem; `earlier` are those found while parsing."""
    spec = with_defaults(spec)
    problems = list(earlier)
    problems += unless_known(problems, _number_problems(spec))
    reduction = _attempt(problems, lambda: _reduction(spec))
    maths = _attempt(problems, lambda: parse_maths(spec))
    if reduction and maths:
        problems += reduction.problems(maths, spec.diagnose_every)
    root = DataRoot(data_root)
    if spec.data.HasField("environment"):
        problems += unless_known(problems, asked.problems(spec))
        train, held_out, chain = _attempt(problems, lambda: asked.opened(spec)), None, None
        problems += asked.fit_problems(train, maths) if train and maths else []
    else:
        train, held_out, chain = _data(spec, root, maths, problems)
    start = _attempt(problems, lambda: _start(spec, root, maths)) if spec.HasField("start") and maths else None
    if problems:
        raise InvalidInput(problems)
    return Job(spec, maths, train, held_out, reduction, start, chain, root.remote, getattr(train, "skipped", 0))


def _data(spec: JobSpec, root: DataRoot, maths: bpcore.Spec | None,
          problems: list[Problem]) -> tuple[Dataset | None, Dataset | None, Chain | None]:
    """(training data, held-out data, what is done to them), as far as they could be had."""
    if spec.folds and not folds.problems(spec):
        train, held_out = _attempt(problems, lambda: _folded(spec, root)) or (None, None)
    else:
        train = _attempt(problems, lambda: _open(spec, "train", root))
        learned = train.learned if train else {}
        held_out = _attempt(problems, lambda: _open(spec, "eval", root, learned)) if spec.data.HasField("eval") else None
    chain = _attempt(problems, lambda: _chain(spec, train)) if train and spec.data.transforms else None
    if train and spec.data.balance:
        train = _attempt(problems, lambda: _under("data.balance", lambda: Balanced(train, spec.data.balance, spec.seed)))
    if chain and train:
        train, held_out = Varied(train, chain), held_out and Transformed(held_out, chain)
    for name, data in (("train", train), ("eval", held_out)):
        if data is not None and maths is not None:
            problems += _fit_problems(name, data, maths)
    return train, held_out, chain


def with_defaults(spec: JobSpec) -> JobSpec:
    """A copy in which zeros that mean a default are replaced by it."""
    spec = JobSpec.FromString(spec.SerializeToString())
    spec.ranks = spec.ranks or 1
    spec.logical_shards = spec.logical_shards or spec.ranks
    spec.threads_per_rank = spec.threads_per_rank or 1
    spec.checkpoint.every_s = spec.checkpoint.every_s or 60
    spec.checkpoint.keep = spec.checkpoint.keep or 2
    spec.reduction.kind = spec.reduction.kind or "exact"
    spec.reduction.attributes.SetInParent()
    spec.shared_memory = spec.shared_memory if spec.HasField("shared_memory") else True
    spec.recovery.deadline_s = spec.recovery.deadline_s or 10
    spec.recovery.keep_s = spec.recovery.keep_s or 60
    spec.recovery.restarts = spec.recovery.restarts or 10
    spec.priority = spec.priority or PRIORITY
    if spec.retry.times:
        spec.retry.wait_s, spec.retry.factor = spec.retry.wait_s or 10, spec.retry.factor or 2
    return spec


def for_ranks(spec: JobSpec, ranks: int) -> JobSpec:
    """A copy for that many ranks. The shards stay what the file says, so the bits do, too."""
    spec = JobSpec.FromString(spec.SerializeToString())
    spec.logical_shards = spec.logical_shards or spec.ranks or ranks
    spec.ranks = ranks
    return spec


def fingerprint(spec: JobSpec) -> dict[str, str]:
    """What two specs must share for one to go on where the other stopped: field → canonical JSON."""
    return {key: json.dumps(value, sort_keys=True) for key, value in jobfile.plain(with_defaults(spec)).items() if key not in FREE}


def _number_problems(spec: JobSpec) -> list[Problem]:
    found = []
    if not NAME.fullmatch(spec.name):
        found.append(Problem("name", expected("1 to 64 letters, digits, '.', '_' or '-'", spec.name)))
    for field in ("batch_size", "epochs"):
        if getattr(spec, field) < 1:
            found.append(Problem(field, "expected a positive integer, but it is missing or 0"))
    if 0 < spec.batch_size < spec.ranks:
        found.append(Problem("ranks", expected(f"at most batch_size = {spec.batch_size}", spec.ranks, "every rank needs a sample a step"), NOT_SHARDABLE))
    elif 0 < spec.batch_size < spec.logical_shards:
        found.append(Problem("logical_shards", expected(f"at most batch_size = {spec.batch_size}", spec.logical_shards), NOT_SHARDABLE))
    if spec.logical_shards < spec.ranks:
        found.append(Problem("ranks", expected(f"at most logical_shards = {spec.logical_shards}", spec.ranks,
                                               "more shards than ranks are fine, fewer are not")))
    return found + folds.problems(spec) + service_problems(spec)


def service_problems(spec: JobSpec) -> list[Problem]:
    """What is wrong with the fields that only a coordinator reads."""
    found = []
    if spec.priority > HIGHEST_PRIORITY:
        found.append(Problem("priority", expected(f"1 to {HIGHEST_PRIORITY}", spec.priority)))
    if len(spec.labels) > MOST_LABELS:
        found.append(Problem("labels", expected(f"at most {MOST_LABELS}", len(spec.labels))))
    for word in sorted({word for pair in spec.labels.items() for word in pair if not NAME.fullmatch(word)}):
        found.append(Problem("labels", expected("keys and values of 1 to 64 letters, digits, '.', '_' or '-'", word)))
    if spec.deadline and deadline(spec) is None:
        found.append(Problem("deadline", expected("a time such as 2026-11-22T08:00:00Z", spec.deadline)))
    for field in ("time_limit_s", "retry.wait_s", "retry.factor"):
        value = functools.reduce(getattr, field.split("."), spec)
        if not 0 <= value < inf:
            found.append(Problem(field, expected("a number of at least 0", value)))
    if spec.retry.times and 0 < spec.retry.factor < 1:
        found.append(Problem("retry.factor", expected("a number of at least 1", spec.retry.factor)))
    return found


def deadline(spec: JobSpec) -> float | None:
    """In Unix seconds, infinite where there is none; None for what is no time. Without a zone it is in UTC."""
    if not spec.deadline:
        return inf
    try:
        when = datetime.fromisoformat(spec.deadline)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def parse_maths(spec: JobSpec) -> bpcore.Spec:
    return replace(bpcore.parse(jobfile.plain(spec)), keeps_start=spec.data.HasField("environment"))


def _open(spec: JobSpec, part: str, root: DataRoot, learned: Mapping[str, Any] = MappingProxyType({}), fold: Fold | None = None) -> Dataset:
    """`fold`: for a format that knows of parts."""
    component = jobfile.plain(spec).get("data", {}).get(part, {"kind": ""})
    built = _under(f"data.{part}", lambda: FORMATS.build(component))
    built = replace(built, of_fold=fold) if isinstance(built, Source) else built
    return _under(f"data.{part}.{component['kind']}", lambda: built.open_with(root, learned))


def _folded(spec: JobSpec, root: DataRoot) -> tuple[Dataset, Dataset]:
    """(what is trained on, the fold that is held out)."""
    if not issubclass(_under("data.train", lambda: FORMATS.get(spec.data.train.kind)), Source):
        return folds.divide(_open(spec, "train", root), spec)
    train = _open(spec, "train", root, fold=folds.of(spec, held_out=False))
    return train, _open(spec, "train", root, train.learned, folds.of(spec, held_out=True))


def transforms(spec: JobSpec) -> list[Transform]:
    """Those of the job. Raises InvalidInput."""
    problems: list[Problem] = []
    built = [_attempt(problems, lambda: _under(f"data.transforms[{i}]", lambda: TRANSFORMS.build(given)))
             for i, given in enumerate(jobfile.plain(spec).get("data", {}).get("transforms", []))]
    if problems:
        raise InvalidInput(problems)
    return built


def _chain(spec: JobSpec, train: Dataset) -> Chain:
    built = transforms(spec)
    try:
        return Chain(built, train, spec.seed)
    except InvalidInput as error:
        raise InvalidInput([Problem(f"data.transforms{problem.field}", problem.message) for problem in error.problems]) from None


def _under(where: str, build: Callable[[], Any]) -> Any:
    try:
        return build()
    except InvalidInput as error:
        raise InvalidInput([problem.under(where) for problem in error.problems]) from None


def _reduction(spec: JobSpec) -> Reduction:
    try:
        return REDUCTIONS.build(jobfile.plain(spec)["reduction"])
    except InvalidInput as error:
        raise InvalidInput([problem.under("reduction") for problem in error.problems]) from None


def _start(spec: JobSpec, root: DataRoot, maths: bpcore.Spec) -> Match:
    """The parameters to start from. Raises InvalidInput for a file that does not fit."""
    try:
        arrays = load_file(root.file(spec.start.path))
    except (OSError, SafetensorError):
        raise InvalidInput([Problem("start.path", f'expected a readable safetensors file, but "{spec.start.path}" is not one')]) from None
    except InvalidInput as error:
        raise InvalidInput([problem.under("start") for problem in error.problems]) from None
    found = match(maths.graph, arrays, spec.start.names, spec.start.torch)
    problems = [problem.under("start.path") for problem in found.problems]
    if not found.arrays:
        problems.append(Problem("start.path", expected("arrays of this model", ", ".join(sorted(arrays)), "map the names with start.names")))
    if problems:
        raise InvalidInput(problems)
    return found


def _fit_problems(name: str, data: Dataset, maths: bpcore.Spec) -> list[Problem]:
    """What is wrong between the model and one data set."""
    return [Problem(f"{problem.field} (data.{name})", problem.message) for problem in maths.data_problems(data.fields)]


def _attempt(problems: list[Problem], build: Callable[[], Any]) -> Any:
    try:
        return build()
    except InvalidInput as error:
        problems += unless_known(problems, error.problems)
        return None
