"""How long a job has trained, and whether its time is up."""

from collections.abc import Sequence

from bptrain.v1.job_service_pb2 import Transition
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import states
from worker.jobs.fields import deadline


def trained_s(changes: Sequence[Transition], now: float) -> float:
    """Seconds in the state RUNNING, all attempts together. `changes`: all of the job, in order."""
    ends = [*(change.time for change in changes[1:]), now]
    return sum(end - change.time for change, end in zip(changes, ends) if change.to == states.RUNNING)


def why_over(spec: JobSpec, changes: Sequence[Transition], now: float) -> str:
    """Why the job is to be stopped now; empty where it is not."""
    if deadline(spec) <= now:
        return f"its deadline {spec.deadline} has come"
    if 0 < spec.time_limit_s <= trained_s(changes, now):
        return f"it has trained for its time limit of {spec.time_limit_s:g} s"
    return ""
