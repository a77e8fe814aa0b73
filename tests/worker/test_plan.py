"""JobSpec → RunPlan: every shard once, for the ranks there are."""

import pytest

from bptrain.v1.spec_pb2 import JobSpec
from worker import plan


@pytest.mark.parametrize(("ranks", "shards"), [(1, 1), (1, 6), (3, 3), (4, 6), (5, 17)])
def test_a_plan_holds_every_shard_exactly_once(ranks, shards):
    made = plan.even(JobSpec(ranks=ranks, logical_shards=shards), attempt=1)
    assert [shard for assignment in made.assignments for shard in assignment.shards] == list(range(shards))
    assert (len(made.assignments), made.logical_shards) == (ranks, shards)


def test_a_plan_carries_who_may_report_on_it():
    made = plan.even(JobSpec(ranks=1, logical_shards=1), attempt=3, job_id="j", token="t")
    assert (made.attempt, made.job_id, made.token) == (3, "j", "t")
