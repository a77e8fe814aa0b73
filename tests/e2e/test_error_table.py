"""What a caller did wrong → status, reason, details and words, over the wire: a row for each.

The answers are in one table with the refusals of coordinator/errors.py; a reason that has no row here names the test that
brings it about.
"""

import math
import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from grpc_status import rpc_status

from bptrain.v1.spec_pb2 import JobSpec
from coordinator.access.rules import READ
from coordinator.errors import CATALOGUE
from tests.e2e import misdeeds
from tests.e2e.misdeeds import call, send, submit, with_data, with_rate
from tests.e2e.place import DAY_S, Place, spec

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"DRAINING": "coordinator/test_drain.py", "IN_FOLDS": "coordinator/services/test_folds.py",
             "BUG": "coordinator/services/test_translate.py", "STORE_CORRUPT": "coordinator/store/test_backup.py",
             "MESSAGE_TOO_LARGE": "coordinator/test_limits.py"}


@dataclass(frozen=True)
class Row:
    """`call`: what a caller does with a Place. `says`: what the sentence, or the only violation, has to match. `more`: the
    kinds of details beside the ErrorInfo. `why`: the reason of the first violation."""

    call: object
    status: str
    reason: str
    says: str
    more: tuple[str, ...] = ()
    why: str = ""


def invalid(call, *fields, why=""):
    """A row for a refused field, or several at once."""
    return Row(call, "INVALID_ARGUMENT", "INVALID_FIELD", "|".join(map(re.escape, fields)), ("BadRequest",), why)


def token(who, reason, says):
    return Row(call("JobService", "GetJob", id="waits", who=who), "UNAUTHENTICATED", reason, says)


def out_of_scope(call, says):
    return Row(call, "PERMISSION_DENIED", "SCOPE_MISSING", says)


def in_no_state_for_it(method, name, says):
    return Row(call("JobService", method, id=name), "FAILED_PRECONDITION", "STATE_NOT_ALLOWED", says, ("PreconditionFailure",))


def bad_page(call):
    return Row(call, "INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "^the page token is not one of ours$")


def foreign_cursor(call, says):
    return Row(call, "INVALID_ARGUMENT", "CURSOR_FOREIGN", says)


def no_room(call, reason, says, *more):
    return Row(call, "RESOURCE_EXHAUSTED", reason, says, (*more, "RetryInfo"))


def away(call, reason, says):
    return Row(call, "UNAVAILABLE", reason, says, ("RetryInfo",))


ROWS = {
    "fields missing": invalid(submit(JobSpec()), "name", "batch_size", "epochs"),
    "a number that is none": invalid(submit(with_rate(math.nan)), "optimizer.adam.learning_rate"),
    "a number out of range": invalid(submit(with_rate(-1.0)), "optimizer.adam.learning_rate"),
    "an unknown optimizer": invalid(submit(spec(optimizer="adm")), "optimizer"),
    "an unknown layer": invalid(submit(spec(model={"input": [4], "layers": ["linnear"]})), "model.layers[0]"),
    "more ranks than samples": invalid(submit(spec(batch_size=1, logical_shards=2)), "logical_shards", why="BATCH_NOT_SHARDABLE"),
    "more ranks than slots": invalid(submit(spec(ranks=3)), "ranks"),
    "data outside the root": invalid(submit(with_data("../secret.npz")), "data.train.npz.path", why="DATASET_PATH_REJECTED"),
    "an absolute path": invalid(submit(with_data("/etc/passwd")), "data.train.npz.path", why="DATASET_PATH_REJECTED"),
    "data that is not there": invalid(submit(with_data("none.npz")), "data.train.npz.path", why="DATASET_NOT_FOUND"),
    "an unknown state in a filter": invalid(call("JobService", "ListJobs", filter="state = RUNING"), "filter"),
    "no job": Row(call("JobService", "GetJob", id="nope"), "NOT_FOUND", "JOB_NOT_FOUND",
                  '^there is no job "nope"; bptrain list shows all$'),
    "no artifact": Row(call("ArtifactService", "GetArtifact", job_id="done", name="x"), "NOT_FOUND", "ARTIFACT_NOT_FOUND",
                       "has no artifact of this name; bptrain artifacts .* shows all$"),
    "no artifact to remove": Row(call("ArtifactService", "DeleteArtifact", job_id="done", name="x"), "NOT_FOUND", "ARTIFACT_NOT_FOUND",
                                 "has no artifact of this name; bptrain artifacts .* shows all$"),
    "an artifact that is needed": Row(misdeeds.remove_record, "FAILED_PRECONDITION", "ARTIFACT_NEEDED",
                                      "^artifact journal of job .* is kept: it is the job's record, which goes with the job alone$"),
    "removing what ranks may need": Row(call("ArtifactService", "DeleteArtifact", job_id="runs", name="log", validate_only=True),
                                        "FAILED_PRECONDITION", "STATE_NOT_ALLOWED", "is RUNNING: it cannot be relieved of artifacts$",
                                        ("PreconditionFailure",)),
    "asking for a token's name again": Row(call("AdminService", "CreateToken", name="late", scope=READ, lifetime_s=DAY_S, validate_only=True),
                                           "ALREADY_EXISTS", "TOKEN_NAME_TAKEN", "^there is or was a token late; choose another name$"),
    "no checkpoint": Row(call("JobService", "ForkJob", id="done", spec=spec(ranks=1), update_mask={"paths": ["ranks"]}, step=7),
                         "NOT_FOUND", "CHECKPOINT_NOT_FOUND", "has no whole checkpoint of step 7; kept: none$"),
    "a damaged checkpoint": Row(misdeeds.damaged_checkpoint, "DATA_LOSS", "CHECKPOINT_CORRUPT",
                                "'s checkpoint of step 7 is damaged; kept: 7$"),
    "no token": token("", "TOKEN_MISSING", "^this coordinator wants a token; "),
    "a token of nobody's": token("bpt_guessed", "TOKEN_INVALID", "^the token is not one of this coordinator's$"),
    "a token that has expired": token("late", "TOKEN_EXPIRED", "^token late has expired; ask an administrator for a new one$"),
    "a token that was revoked": token("gone", "TOKEN_REVOKED",
                                      "^token gone has been revoked; ask an administrator for a new one$"),
    "the wrong scope": out_of_scope(submit(spec(), who="reader"),
                                    "^the scope submit is needed for SubmitJob; token reader has read$"),
    "the wrong scope, and no such job": out_of_scope(call("JobService", "CancelJob", id="nope", who="reader"),
                                                     "^the scope submit is needed for CancelJob; token reader has read$"),
    "a token's name again": Row(call("AdminService", "CreateToken", name="late", scope=READ, lifetime_s=DAY_S), "ALREADY_EXISTS",
                                "TOKEN_NAME_TAKEN", "^there is or was a token late; choose another name$"),
    "no token of that name": Row(call("AdminService", "RevokeToken", name="nobody"), "NOT_FOUND", "TOKEN_NOT_FOUND",
                                 '^there is no token "nobody"; bptrain token list shows all$'),
    "pausing what has ended": in_no_state_for_it("PauseJob", "done", "is SUCCEEDED: it cannot be paused$"),
    "resuming what runs": in_no_state_for_it("ResumeJob", "runs", "is RUNNING: it cannot be resumed$"),
    "deleting what runs": in_no_state_for_it("DeleteJob", "runs", "is RUNNING: it cannot be deleted$"),
    "an old etag": Row(call("JobService", "UpdateJob", id="waits", etag="0", spec=spec(), update_mask={"paths": ["priority"]}),
                       "ABORTED", "ETAG_MISMATCH", "has changed since it was looked at; look again$"),
    "a page token of nobody's": bad_page(call("JobService", "ListJobs", page_token="!")),
    "a page token of another filter": bad_page(misdeeds.of_another_filter),
    "a cursor of another job": foreign_cursor(call("MetricService", "WatchMetrics", job_id="waits", cursor="sgc.17"),
                                              '^the cursor "sgc.17" is not one of job '),
    "a cursor of no watch": Row(call("JobService", "WatchJobs", cursor="x"), "INVALID_ARGUMENT", "CURSOR_INVALID",
                                '^the cursor "x" is not one of the watch of all jobs$'),
    "a cursor that is not a job's any more": foreign_cursor(misdeeds.not_any_more, '99999999" is not one of job '),
    "a cursor of a store that was put back": Row(
        misdeeds.lost, "INVALID_ARGUMENT", "CURSOR_LOST",
        '^the store was put back to a copy from before the cursor "15000"; list all jobs anew, then watch without a cursor$'),
    "a cursor from before what is kept": Row(misdeeds.purged, "OUT_OF_RANGE", "CURSOR_COMPACTED",
                                             r'^changes behind the cursor "\d+" were removed with their jobs; the oldest'),
    "the request id of another call": Row(misdeeds.same_id_other_body, "ALREADY_EXISTS", "REQUEST_ID_REUSED",
                                          "^request id a request was used for another call: SubmitJob of "),
    "more than one's share of the queue": no_room(misdeeds.too_many, "QUOTA", "^token submitter may have 2 job.s. waiting",
                                                  "QuotaFailure"),
    "a full queue": no_room(misdeeds.full_queue, "QUEUE_FULL",
                            "^the queue is full, with 5 job.s. waiting; try again when one has started$", "QuotaFailure"),
    "more streams than may be": no_room(misdeeds.streams, "STREAM_LIMIT",
                                        "^as many streams are open as all callers together may have, 2; ", "QuotaFailure"),
    "a reader that takes nothing": no_room(misdeeds.slow_reader, "SLOW_READER",
                                           "^the reader took nothing for 0.2 s; it may go on"),
    "a store that another program holds": away(misdeeds.store_held, "NOT_READY",
                                               "^the coordinator's store is held by another program"),
    "a full disk": no_room(misdeeds.full_disk, "STORE_FULL", "^the coordinator's disk is full: nothing new is taken"),
    "more slots than others leave": Row(call("JobService", "ResizeJob", id="grows", ranks=2), "FAILED_PRECONDITION",
                                        "SLOTS_TAKEN", "needs 1 more slot.s., but other jobs leave 0$"),
    "ranks that are not on the line": away(call("JobService", "ResizeJob", id="runs", ranks=1), "RANKS_AWAY",
                                           "are not on the line; try again in a moment$"),
    "ranks of another attempt": Row(Place.attach, "PERMISSION_DENIED", "ATTEMPT_FENCED",
                                    "^attempt 1 of job none is not the one that runs$"),
    "no mpirun": Row(misdeeds.without_mpirun, "FAILED_PRECONDITION", "LAUNCHER_UNAVAILABLE",
                     "^ranks cannot be started here: mpirun was not found: "),
    "a message that is too large": Row(submit(spec(metrics=["accuracy"] * 20_000)), "RESOURCE_EXHAUSTED", "",
                                       r"larger than max \(\d+ vs. 65536\)"),
    "bytes that are no message": Row(send("JobService", "GetJob", b"\xff\xff\xff"), "INVALID_ARGUMENT", "MESSAGE_INVALID",
                                     "^these bytes are no message of GetJob$"),
    "bytes that are no message, from nobody": Row(send("JobService", "GetJob", b"\xff\xff\xff", who=""), "UNAUTHENTICATED",
                                                  "TOKEN_MISSING", "^this coordinator wants a token; "),
    "a call that there is not": Row(send("JobService", "EraseEverything", b""), "UNIMPLEMENTED", "FEATURE_OFF",
                                    "^this coordinator has no call JobService/EraseEverything; bptrain info says"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with ExitStack() as stack:
        opened = Place(stack, tmp_path_factory.mktemp("place"))
        opened.fill_slot()
        yield opened
        opened.empty_slot()


@pytest.fixture(scope="module")
def violations(place):
    """`violations(content)`: of the fields of a job that is refused."""

    def refused(content):
        with pytest.raises(grpc.RpcError) as caught:
            submit(content)(place)
        request = details.BadRequest()
        assert rpc_status.from_call(caught.value).details[1].Unpack(request)
        return request.field_violations

    return refused


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_is_refused_is_refused_by_the_table(place, row):
    with pytest.raises(grpc.RpcError) as caught:
        row.call(place)
    error, status = caught.value, rpc_status.from_call(caught.value)
    found = {detail.TypeName().rpartition(".")[2]: detail for detail in status.details} if status else {}
    info, request = details.ErrorInfo(), details.BadRequest()
    "ErrorInfo" in found and found["ErrorInfo"].Unpack(info)
    "BadRequest" in found and found["BadRequest"].Unpack(request)
    words = " ".join(violation.field for violation in request.field_violations) or error.details()
    assert (error.code().name, info.reason) == (row.status, row.reason), error.details()
    assert re.search(row.says, words), words
    assert not row.why or {violation.reason for violation in request.field_violations} == {row.why}
    assert list(found) == (["ErrorInfo", *row.more] if row.reason else []) and info.domain == ("bptrain" if row.reason else "")
    assert "Traceback" not in error.details() and str(place.folder) not in str(status)


def test_every_problem_of_a_job_comes_at_once(violations):
    assert {"name", "batch_size", "epochs"} <= {violation.field for violation in violations(JobSpec())}


def test_more_problems_than_an_answer_carries_are_counted(violations):
    *shown, last = violations(spec(model={"input": [4], "layers": [f"linnear{number}" for number in range(200)]}))
    left = int(re.fullmatch(r"has (\d+) more problem\(s\)", last.description)[1])
    assert last.field == "job" and len(shown) + left >= 200 and len(shown) > 3


def test_every_reason_has_a_row_or_a_test_elsewhere():
    assert {row.reason for row in ROWS.values() if row.reason} | set(ELSEWHERE) == set(CATALOGUE)
    assert [reason for reason, file in ELSEWHERE.items() if reason not in (ROOT / file).read_text()] == []
