"""JobSpec → JobSpec, and what follows of it before any data is opened."""

import json
from dataclasses import replace

import bpcore
from bptrain.v1.spec_pb2 import JobSpec
from worker.jobs import jobfile

PRIORITY = 50
# What two specs of one run may differ in: nothing of it is in the bits of a step.
FREE = {"name", "ranks", "threads_per_rank", "epochs", "checkpoint", "start", "diagnose_every", "early_stopping", "shared_memory",
        "recovery", "labels", "priority", "time_limit_s", "deadline", "retry", "sample"}


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
    if spec.HasField("sample"):
        asked = spec.sample
        asked.prompt, asked.length = asked.prompt or "The ", asked.length or 120
        asked.temperature = asked.temperature if asked.HasField("temperature") else 0.8
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


def parse_maths(spec: JobSpec) -> bpcore.Spec:
    return replace(bpcore.parse(jobfile.plain(spec)), keeps_start=spec.data.HasField("environment"))
