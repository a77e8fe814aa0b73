"""What a failure was, and what to do about it.

Which rank failed is in the ranks' own report; where there is none, because all were cut off, it is read from the cause, which has
mpirun's last words.
"""

import re
from collections.abc import Sequence

from bptrain.v1.job_service_pb2 import Failure
from bptrain.v1.report_pb2 import AttemptEnded, RankInfo
from bptrain.v1.spec_pb2 import Retry

RANK = re.compile(r"\brank (\d+)\b")
# What a cause says → what to do next; the first that is found.
ACTIONS = {
    "not finite|not a number|infinite": "lower the learning rate or clip the gradient, then fork it from a checkpoint before that step",
    "No space left|could not be written": "make room on the disk of the run folder, then retry it",
    "mpirun was not found|cannot be started": "install an MPI where the coordinator runs, then retry it",
    "MemoryError|exit status 137|exit status -9": "give it fewer ranks a host or a smaller batch: the system may have ended it for want of memory",
    "job differs": "hand it in as a new job",
    "before the job was done|died|was ended": "look at the end of its log, then retry it: it goes on from its newest checkpoint",
    "": "look at the end of its log",
}


def failure(cause: str, step: int) -> Failure:
    """`step`: steps done."""
    told, named = Failure(step=step, cause=cause, next_action=_action(cause)), RANK.search(cause)
    if named:
        told.rank = int(named[1])
    return told


def reported(ended: AttemptEnded, step: int, crew: Sequence[RankInfo]) -> Failure:
    """The same, as the ranks say it. `crew`: those that trained last."""
    told = Failure(step=step, cause=ended.cause, next_action=_action(ended.cause))
    if ended.HasField("rank"):
        told.rank = ended.rank
        told.host = ended.host or (crew[ended.rank].host if ended.rank < len(crew) else "")
    return told


def _action(cause: str) -> str:
    return next(action for pattern, action in ACTIONS.items() if re.search(pattern, cause))


def wait_s(policy: Retry, tries: int) -> float | None:
    """Seconds until the next try after so many; None where there is none."""
    return policy.wait_s * policy.factor ** tries if tries < policy.times else None
