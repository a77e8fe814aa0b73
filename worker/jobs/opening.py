"""The data of a job: opened, divided into folds, balanced, transformed, and held against the model."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import bpcore
from bpcore.errors import InvalidInput, Problem
from bptrain.v1.spec_pb2 import JobSpec
from worker.data.balanced import Balanced
from worker.data.transformed import Chain, Transformed, Varied
from worker.datasets import FORMATS, DataRoot, Dataset
from worker.jobs import folds, jobfile
from worker.jobs.problems import attempt, under
from worker.sources.split import Fold, Source
from worker.transforms import TRANSFORMS, Transform


def data(spec: JobSpec, root: DataRoot, maths: bpcore.Spec | None,
         problems: list[Problem]) -> tuple[Dataset | None, Dataset | None, Chain | None]:
    """(training data, held-out data, what is done to them), as far as they could be had."""
    if spec.folds and not folds.problems(spec):
        train, held_out = attempt(problems, lambda: _both(spec, root)) or (None, None)
    else:
        train = attempt(problems, lambda: _open(spec, "train", root))
        learned = train.learned if train else {}
        held_out = attempt(problems, lambda: _open(spec, "eval", root, learned)) if spec.data.HasField("eval") else None
    chain = attempt(problems, lambda: _chain(spec, train)) if train and spec.data.transforms else None
    if train and spec.data.balance:
        train = attempt(problems, lambda: under("data.balance", lambda: Balanced(train, spec.data.balance, spec.seed)))
    if chain and train:
        train, held_out = Varied(train, chain), held_out and Transformed(held_out, chain)
    for name, data in (("train", train), ("eval", held_out)):
        if data is not None and maths is not None:
            problems += _fit_problems(name, data, maths)
    return train, held_out, chain


def _open(spec: JobSpec, part: str, root: DataRoot, learned: Mapping[str, Any] = MappingProxyType({}), fold: Fold | None = None) -> Dataset:
    """`fold`: for a format that knows of parts."""
    component = jobfile.plain(spec).get("data", {}).get(part, {"kind": ""})
    built = under(f"data.{part}", lambda: FORMATS.build(component))
    built = replace(built, of_fold=fold) if isinstance(built, Source) else built
    return under(f"data.{part}.{component['kind']}", lambda: built.open_with(root, learned))


def part(spec: JobSpec, name: str, root: DataRoot, learned: Mapping[str, Any]) -> Dataset:
    """`name`: train or eval; of a job with folds what is trained on, or the fold that is held out. Before any transform. Raises
    InvalidInput."""
    if not spec.folds:
        return _open(spec, name, root, learned)
    if issubclass(under("data.train", lambda: FORMATS.get(spec.data.train.kind)), Source):
        return _open(spec, "train", root, learned, folds.of(spec, held_out=name == "eval"))
    return folds.divide(_open(spec, "train", root, learned), spec)[name == "eval"]


def _both(spec: JobSpec, root: DataRoot) -> tuple[Dataset, Dataset]:
    """(what is trained on, the fold that is held out)."""
    train = part(spec, "train", root, {})
    return train, part(spec, "eval", root, train.learned)


def transforms(spec: JobSpec) -> list[Transform]:
    """Those of the job. Raises InvalidInput."""
    problems: list[Problem] = []
    built = [attempt(problems, lambda: under(f"data.transforms[{i}]", lambda: TRANSFORMS.build(given)))
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


def _fit_problems(name: str, data: Dataset, maths: bpcore.Spec) -> list[Problem]:
    """What is wrong between the model and one data set, and where in the data that is seen."""
    return [Problem(f"{problem.field} (data.{name})", problem.message + _seen(problem, data, maths)) for problem in maths.data_problems(data.fields)]


def _seen(problem: Problem, data: Dataset, maths: bpcore.Spec) -> str:
    if problem.field.startswith("model.") and hasattr(data, "remark"):
        return data.remark
    for field in {head.target for head in maths.heads} & data.fields.keys():
        found = data.fields[field]
        value = found.lowest if found.lowest < 0 else found.classes - 1
        if found.integer and f"got {value}" in problem.message and hasattr(data, "place_of"):
            return f"; first seen in {data.place_of(field, value)}"
    return ""
