"""Every refusal of the coordinator, in one table.

    BptrainError
    ├── InvalidInput    (bpcore)  the job file or the data; reason INVALID_FIELD
    ├── Unavailable     (worker)  a program, port or coordinator that is not there
    └── Refusal                   everything in CATALOGUE

1. A reason fixes the gRPC status, the exit code of the command line and the sentence.
2. This file does not know gRPC: statuses are names, translated at the wire (services/translate.py) and
   back in the client.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bpcore.errors import BptrainError
from worker.errors import exit_code as worker_exit_code


LONGEST = 200  # characters of one value in an answer


@dataclass(frozen=True)
class Entry:
    """`sentence` is filled in with the refusal's metadata."""

    status: str
    exit_code: int
    sentence: str


CATALOGUE = {
    "INVALID_FIELD": Entry("INVALID_ARGUMENT", 2, "the job is refused"),
    "MESSAGE_INVALID": Entry("INVALID_ARGUMENT", 2, "these bytes are no message of {method}"),
    "PAGE_TOKEN_INVALID": Entry("INVALID_ARGUMENT", 2, "the page token is not one of ours"),
    "CURSOR_FOREIGN": Entry("INVALID_ARGUMENT", 2, 'the cursor "{cursor}" is not one of job {job}'),
    "CURSOR_INVALID": Entry("INVALID_ARGUMENT", 2, 'the cursor "{cursor}" is not one of the watch of all jobs'),
    "CURSOR_COMPACTED": Entry("OUT_OF_RANGE", 2, 'changes behind the cursor "{cursor}" were removed with their jobs; the oldest that is good is "{oldest}"'),
    "CURSOR_LOST": Entry("INVALID_ARGUMENT", 2, 'the store was put back to a copy from before the cursor "{cursor}"; list all jobs anew, then watch without a cursor'),
    "JOB_NOT_FOUND": Entry("NOT_FOUND", 2, 'there is no job "{job}"; bptrain list shows all'),
    "ARTIFACT_NOT_FOUND": Entry("NOT_FOUND", 2, "job {job} has no artifact of this name; bptrain artifacts {job} shows all"),
    "ARTIFACT_NEEDED": Entry("FAILED_PRECONDITION", 1, "artifact {name} of job {job} is kept: {cause}"),
    "REQUEST_ID_REUSED": Entry("ALREADY_EXISTS", 2, "request id {request_id} was used for another call: {method} of {target}"),
    "STATE_NOT_ALLOWED": Entry("FAILED_PRECONDITION", 1, "job {job} is {state}: it cannot be {action}"),
    "IN_FOLDS": Entry("FAILED_PRECONDITION", 2, "job {job} has no ranks of its own, it is trained in folds; ask for one of these: {folds}"),
    "ETAG_MISMATCH": Entry("ABORTED", 1, "job {job} has changed since it was looked at; look again"),
    "CHECKPOINT_NOT_FOUND": Entry("NOT_FOUND", 2, "job {job} has no whole checkpoint of {which}; kept: {kept}"),
    "CHECKPOINT_CORRUPT": Entry("DATA_LOSS", 3, "job {job}'s checkpoint of {which} is damaged; kept: {kept}"),
    "QUOTA": Entry("RESOURCE_EXHAUSTED", 3, "token {token} may have {limit} job(s) waiting, and has them; try again when one has started"),
    "SLOTS_TAKEN": Entry("FAILED_PRECONDITION", 1, "job {job} needs {needed} more slot(s), but other jobs leave {free}"),
    "RANKS_AWAY": Entry("UNAVAILABLE", 3, "the ranks of job {job} are not on the line; try again in a moment"),
    "LAUNCHER_UNAVAILABLE": Entry("FAILED_PRECONDITION", 3, "ranks cannot be started here: {cause}"),
    "ATTEMPT_FENCED": Entry("PERMISSION_DENIED", 1, "attempt {attempt} of job {job} is not the one that runs"),
    "TOKEN_MISSING": Entry("UNAUTHENTICATED", 3, "this coordinator wants a token; put one into BPTRAIN_TOKEN or name its file with --token-file"),
    "TOKEN_INVALID": Entry("UNAUTHENTICATED", 3, "the token is not one of this coordinator's"),
    "TOKEN_EXPIRED": Entry("UNAUTHENTICATED", 3, "token {token} has expired; ask an administrator for a new one"),
    "TOKEN_REVOKED": Entry("UNAUTHENTICATED", 3, "token {token} has been revoked; ask an administrator for a new one"),
    "SCOPE_MISSING": Entry("PERMISSION_DENIED", 3, "the scope {needed} is needed for {method}; token {token} has {scope}"),
    "TOKEN_NAME_TAKEN": Entry("ALREADY_EXISTS", 2, "there is or was a token {token}; choose another name"),
    "TOKEN_NOT_FOUND": Entry("NOT_FOUND", 2, 'there is no token "{token}"; bptrain token list shows all'),
    "QUEUE_FULL": Entry("RESOURCE_EXHAUSTED", 3, "the queue is full, with {limit} job(s) waiting; try again when one has started"),
    "STREAM_LIMIT": Entry("RESOURCE_EXHAUSTED", 3, "as many streams are open as {whose} may have, {limit}; try again when one has ended"),
    "SLOW_READER": Entry("RESOURCE_EXHAUSTED", 3, "the reader took nothing for {seconds} s; it may go on from the last cursor that it has"),
    "MESSAGE_TOO_LARGE": Entry("RESOURCE_EXHAUSTED", 2, "a message of {size} bytes was sent, and {limit} are the most that may be"),
    "DRAINING": Entry("UNAVAILABLE", 3, "the coordinator is shutting down; try again in a moment"),
    "NOT_READY": Entry("UNAVAILABLE", 3, "the coordinator's store is held by another program; try again in a moment"),
    "STORE_FULL": Entry("RESOURCE_EXHAUSTED", 3, "the coordinator's disk is full: nothing new is taken, and jobs that run go on; try again when there is room"),
    "STORE_CORRUPT": Entry("DATA_LOSS", 3, "the coordinator's store is damaged; bptrain backup --help says how to go back to a whole one"),
    "FEATURE_OFF": Entry("UNIMPLEMENTED", 3, "this coordinator has no call {method}; bptrain info says which version it is"),
    "BUG": Entry("INTERNAL", 1, "something went wrong inside the coordinator; its log has the details under {incident}"),
}


def table() -> Iterator[str]:
    """The catalogue as coordinator/README.md has it."""
    yield "| reason | gRPC status | exit code | sentence |"
    yield "|---|---|---:|---|"
    for reason, entry in CATALOGUE.items():
        yield f"| {reason} | {entry.status} | {entry.exit_code} | {entry.sentence} |"


def shortened(text: str) -> str:
    """What a caller sent comes back whole only as far as a line reaches: gRPC drops an answer whose details are too long."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class Refusal(BptrainError):
    """A request that is answered with an entry of the catalogue."""

    def __init__(self, reason: str, **metadata: object):
        self.reason = reason
        self.metadata = {key: shortened(str(value)) for key, value in metadata.items()}
        super().__init__(CATALOGUE[reason].sentence.format(**self.metadata))


def exit_code(error: BptrainError) -> int:
    """Of the command line: 1 the job's end, 2 bad input, 3 something needed is missing."""
    return CATALOGUE[error.reason].exit_code if isinstance(error, Refusal) else worker_exit_code(error)
