"""JobSpec → Job: everything that can be known before the first step is checked here, once.

Used by the coordinator at submit, by `bptrain run`, and by the ranks, so that all three refuse the
same things in the same words.
"""

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file

import bpcore
from bpcore.errors import InvalidInput, Problem, expected, unless_known
from bpcore.transfer import Match, match
from bptrain.v1.spec_pb2 import JobSpec
from worker.datasets import DataRoot
from worker.exchange import REDUCTIONS, Reduction
from worker.jobs import jobfile, opening, writing
from worker.jobs.fields import number_problems
from worker.jobs.job import Job
from worker.jobs.problems import attempt, under
from worker.jobs.specs import parse_maths, with_defaults
from worker.rollouts import asked


def check(spec: JobSpec, data_root: Path, earlier: Sequence[Problem] = ()) -> Job:
    """Raises InvalidInput with every problem; `earlier` are those found while parsing."""
    spec = with_defaults(spec)
    problems = list(earlier)
    problems += unless_known(problems, number_problems(spec))
    reduction = attempt(problems, lambda: _reduction(spec))
    maths = attempt(problems, lambda: parse_maths(spec))
    if reduction and maths:
        problems += reduction.problems(maths, spec.diagnose_every)
    root = DataRoot(data_root)
    if spec.data.HasField("environment"):
        problems += unless_known(problems, asked.problems(spec))
        train, held_out, chain = attempt(problems, lambda: asked.opened(spec)), None, None
        problems += asked.fit_problems(train, maths) if train and maths else []
    else:
        train, held_out, chain = opening.data(spec, root, maths, problems)
    start = attempt(problems, lambda: _start(spec, root, maths)) if spec.HasField("start") and maths else None
    if spec.HasField("sample") and maths and train:
        problems += writing.problems(spec.sample, maths, train)
    if problems:
        raise InvalidInput(problems)
    return Job(spec, maths, train, held_out, reduction, start, chain, root.remote, getattr(train, "skipped", 0))


def _reduction(spec: JobSpec) -> Reduction:
    return under("reduction", lambda: REDUCTIONS.build(jobfile.plain(spec)["reduction"]))


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
