"""What a job asks for with `data: {environment: …}`: checked, before anything is played."""

from collections.abc import Callable
from typing import Any

import bpcore
from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1.spec_pb2 import JobSpec
from worker.environments import ENVIRONMENTS
from worker.jobs import jobfile
from worker.rollouts import player
from worker.rollouts.played import Unplayed


def problems(spec: JobSpec) -> list[Problem]:
    """What stands beside an environment and does not go with it."""
    beside = {"data.train": spec.data.HasField("train"), "data.eval": spec.data.HasField("eval"),
              "data.transforms": bool(spec.data.transforms), "data.balance": bool(spec.data.balance),
              "folds": spec.folds > 0}
    found = [Problem(field, "expected none with data.environment, where samples are played; leave one out") for field, given in beside.items() if given]
    if spec.logical_shards and spec.batch_size % spec.logical_shards:
        found.append(Problem("batch_size", expected(f"a multiple of logical_shards = {spec.logical_shards} with data.environment", spec.batch_size)))
    return found


def opened(spec: JobSpec) -> Unplayed:
    """Raises InvalidInput where it cannot be played."""
    component = jobfile.plain(spec.data.environment)
    environment = _under("data.environment", lambda: ENVIRONMENTS.build(component))
    space = _under(f"data.environment.{component['kind']}", environment.space)
    return Unplayed(environment, space, spec.logical_shards, spec.seed)


def fit_problems(data: Unplayed, maths: bpcore.Spec) -> list[Problem]:
    """What is wrong between the model and the environment."""
    found = player.problems(maths, data.actions)
    return found or [Problem(f"{problem.field} (data.environment)", problem.message) for problem in maths.data_problems(data.fields)]


def _under(where: str, build: Callable[[], Any]) -> Any:
    try:
        return build()
    except InvalidInput as error:
        raise InvalidInput([problem.under(where) for problem in error.problems]) from None
