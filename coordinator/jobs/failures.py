"""What a failure was, and what to do about it: the cause that ranks or supervisor give, put in its parts."""

import re
from collections.abc import Sequence

from bptrain.v1.job_service_pb2 import Failure
from bptrain.v1.report_pb2 import RankInfo
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


def failure(cause: str, step: int, crew: Sequence[RankInfo] = ()) -> Failure:
    """`step`: steps done. `crew`: the ranks that trained last."""
    action = next(action for pattern, action in ACTIONS.items() if re.search(pattern, cause))
    told, named = Failure(step=step, cause=cause, next_action=action), RANK.search(cause)
    if named:
        told.rank = int(named[1])
        told.host = crew[told.rank].host if told.rank < len(crew) else ""
    return told


def wait_s(policy: Retry, tries: int) -> float | None:
    """Seconds until the next try after so many; None where there is none."""
    return policy.wait_s * policy.factor ** tries if tries < policy.times else None
