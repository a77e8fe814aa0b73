"""What a spec becomes before any data is opened."""

import pytest

from bptrain.v1.spec_pb2 import JobSpec
from worker.jobs import jobfile, specs


def test_defaults_leave_what_is_given():
    given = JobSpec(ranks=2, logical_shards=6, threads_per_rank=3, checkpoint={"every_s": 0.5, "keep": 9, "every_steps": 4},
                    reduction={"kind": "exact", "attributes": {}}, shared_memory=False, recovery={"deadline_s": 1, "keep_s": 2, "restarts": 3},
                    priority=7, retry={"times": 1, "wait_s": 2, "factor": 3})
    assert specs.with_defaults(given) == given
    assert specs.with_defaults(JobSpec(ranks=3)).logical_shards == 3


def test_defaults_come_back_from_a_file_as_they_are(tiny):
    """So that a run's own job.json can be resumed."""
    spec = specs.with_defaults(jobfile.parse(tiny())[0])
    assert jobfile.parse(jobfile.plain(spec)) == (spec, [])


def test_other_ranks_keep_the_shards_of_the_file():
    """So that the same file gives the same bits under any mpirun."""
    shards = [specs.for_ranks(JobSpec(ranks=2, logical_shards=6), 4), specs.for_ranks(JobSpec(ranks=2), 1), specs.for_ranks(JobSpec(), 3)]
    assert [(spec.ranks, spec.logical_shards) for spec in shards] == [(4, 6), (1, 2), (3, 3)]


@pytest.mark.parametrize(("change", "differs"), [
    ({"seed": 4}, ["seed"]), ({"batch_size": 24, "logical_shards": 6}, ["batch_size", "logical_shards"]), ({"loss": "mse"}, ["loss"]),
    ({"name": "b", "ranks": 2, "threads_per_rank": 2, "epochs": 9, "checkpoint": {"keep": 5},
      "shared_memory": False, "recovery": {"deadline_s": 1}}, []),
])
def test_a_fingerprint_holds_what_fixes_the_bits(tiny, change, differs):
    one, other = (specs.fingerprint(jobfile.parse(tiny(**keys))[0]) for keys in ({}, change))
    assert [key for key in one if one[key] != other[key]] == differs
