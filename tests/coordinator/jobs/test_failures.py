"""A failure in words, and the policy of tries."""

import pytest

from bptrain.v1.report_pb2 import AttemptEnded, RankInfo
from bptrain.v1.spec_pb2 import Retry
from coordinator.jobs.failures import failure, reported, wait_s

CREW = [RankInfo(host="alpha"), RankInfo(host="beta")]


@pytest.mark.parametrize("host", ["beta", ""])
def test_a_rank_is_named_with_its_host(host):
    """As the rank says it, or as it stood among those that had met."""
    told = reported(AttemptEnded(cause="rank 1 failed: MemoryError: cannot allocate", rank=1, host=host), 7, CREW)
    assert (told.rank, told.host, told.step) == (1, "beta", 7)
    assert told.next_action.startswith("give it fewer ranks a host or a smaller batch")


def test_where_it_was_not_one_rank_alone_none_is_named():
    told = reported(AttemptEnded(cause="the loss is not finite in step 3; see rank 1"), 3, CREW)
    assert not told.HasField("rank") and told.host == ""
    assert told.next_action == "lower the learning rate or clip the gradient, then fork it from a checkpoint before that step"


def test_a_rank_beyond_the_crew_has_no_host():
    assert reported(AttemptEnded(cause="rank 9 failed: ValueError", rank=9), 0, CREW).host == ""


def test_ranks_that_were_cut_off_are_read_from_mpiruns_last_words():
    assert failure("the ranks ended with exit status 137 before the job was done; its last words: rank 3 exited", 0).rank == 3


@pytest.mark.parametrize("cause", ["", "something new", "mpirun was not found: …", "the last checkpoint could not be written: No space left"])
def test_every_cause_has_a_next_action(cause):
    assert failure(cause, 0).next_action


def test_each_wait_is_longer_by_the_factor_and_there_are_as_many_as_wanted():
    policy = Retry(times=3, wait_s=10, factor=2)
    assert [wait_s(policy, tries) for tries in range(4)] == [10, 20, 40, None]


def test_without_a_policy_there_is_no_further_try():
    assert wait_s(Retry(), 0) is None
