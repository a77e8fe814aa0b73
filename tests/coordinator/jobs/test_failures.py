"""A failure in words, and the policy of tries."""

import pytest

from bptrain.v1.report_pb2 import RankInfo
from bptrain.v1.spec_pb2 import Retry
from coordinator.jobs.failures import failure, wait_s

CREW = [RankInfo(host="alpha"), RankInfo(host="beta")]


def test_a_rank_is_named_with_its_host():
    told = failure("rank 1 failed: MemoryError: cannot allocate", 7, CREW)
    assert (told.rank, told.host, told.step) == (1, "beta", 7)
    assert told.next_action.startswith("give it fewer ranks a host or a smaller batch")


def test_where_it_was_not_one_rank_alone_none_is_named():
    told = failure("the loss is not finite in step 3", 3, CREW)
    assert not told.HasField("rank") and told.host == ""
    assert told.next_action == "lower the learning rate or clip the gradient, then fork it from a checkpoint before that step"


def test_a_rank_beyond_the_crew_has_no_host():
    assert failure("rank 9 failed: ValueError", 0, CREW).host == ""


@pytest.mark.parametrize("cause", ["", "something new", "mpirun was not found: …", "the last checkpoint could not be written: No space left"])
def test_every_cause_has_a_next_action(cause):
    assert failure(cause, 0).next_action


def test_each_wait_is_longer_by_the_factor_and_there_are_as_many_as_wanted():
    policy = Retry(times=3, wait_s=10, factor=2)
    assert [wait_s(policy, tries) for tries in range(4)] == [10, 20, 40, None]


def test_without_a_policy_there_is_no_further_try():
    assert wait_s(Retry(), 0) is None
