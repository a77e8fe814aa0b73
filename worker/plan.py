"""JobSpec → RunPlan: who computes which shard. The coordinator's planner, and rank 0's without one."""

from bptrain.v1.plan_pb2 import Assignment, RunPlan
from bptrain.v1.spec_pb2 import JobSpec
from worker import shards


def even(spec: JobSpec, attempt: int, job_id: str = "", token: str = "") -> RunPlan:
    """Consecutive shards for each of the ranks that `spec`, defaults filled in, asks for."""
    assignments = [Assignment(shards=part) for part in shards.assign(spec.logical_shards, spec.ranks)]
    return RunPlan(job_id=job_id, attempt=attempt, token=token, logical_shards=spec.logical_shards, assignments=assignments)
