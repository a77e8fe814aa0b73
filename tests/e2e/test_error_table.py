"""What a caller did wrong → status, reason, details and words, over the wire: a row for each.

The answers are in one table with the refusals of coordinator/errors.py; a reason that has no row here names the test that
brings it about.
"""

import math
import re
import sqlite3
import sys
import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from time import sleep, time

import grpc
import numpy as np
import psutil
import pytest
from google.rpc import error_details_pb2 as details
from grpc_status import rpc_status

from bptrain.v1 import admin_service_pb2 as admin
from bptrain.v1 import artifact_service_pb2 as artifacts
from bptrain.v1 import cluster_service_pb2 as cluster
from bptrain.v1 import job_service_pb2 as jobs
from bptrain.v1 import metric_service_pb2 as metrics
from bptrain.v1 import worker_service_pb2 as workers
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.access import issue
from coordinator.access.rules import ADMIN, READ, SUBMIT
from coordinator.app import Settings
from coordinator.embedded import embedded
from coordinator.errors import CATALOGUE
from coordinator.jobs import states
from coordinator.limits import Limits
from coordinator.services import guard
from coordinator.store import jobs as rows
from coordinator.store import lifecycle
from worker.jobs import jobfile

JOB = {"name": "small", "data": {"train": {"npz": {"path": "train.npz"}}}, "model": {"input": [4], "layers": [{"linear": {"units": 2}}]},
       "loss": "softmax_cross_entropy", "optimizer": {"adam": {"learning_rate": 0.01}}, "batch_size": 8, "epochs": 1, "seed": 7}
SLOW = {"input": [4], "layers": [{"linear": {"units": 1024}}, {"linear": {"units": 1024}}, {"linear": {"units": 2}}]}  # a few hundred steps a second
LIMITS = Limits(queued=5, streams=2, message_bytes=1 << 16, token_queued=2)
DAY_S = 86_400
ROOT = Path(__file__).parents[1]
ELSEWHERE = {"DRAINING": "coordinator/test_drain.py",
             "IN_FOLDS": "coordinator/services/test_folds.py", "BUG": "coordinator/services/test_translate.py", "STORE_CORRUPT": "coordinator/store/test_backup.py",
             "MESSAGE_TOO_LARGE": "coordinator/test_limits.py"}


class Place:
    """A coordinator with tokens, and jobs in the states that rows need; none of them has ranks."""

    def __init__(self, stack, folder):
        x = np.random.default_rng(1).standard_normal((64, 4)).astype(np.float32)
        np.savez(folder / "train.npz", x=x, y=np.arange(64) % 2)
        self._state = folder / "state"
        self.server = stack.enter_context(embedded(Settings(self._state, folder, slots=2, require_token=True, limits=LIMITS)))
        self.folder = folder
        self.tokens = {name: self.console(issue.create_at_console, name, scope, DAY_S) for name, scope in
                       (("chief", ADMIN), ("reader", READ), ("submitter", SUBMIT), ("other", SUBMIT), ("third", SUBMIT), ("late", READ), ("gone", READ))}
        self.console(lambda connection: connection.execute("UPDATE tokens SET expires = ? WHERE name = 'late'", [time() - 1]))
        self.console(issue.revoke, "gone")
        self.jobs = {name: self.console(stored, state, ranks) for name, state, ranks in (
            ("waits", states.QUEUED, 3), ("runs", states.RUNNING, 2), ("grows", states.RUNNING, 1), ("done", states.SUCCEEDED, 2))}
        self._channels = {address: stack.enter_context(grpc.insecure_channel(address)) for address in (self.server.address, self.server.worker_address)}

    def fill_slot(self):
        """A job that trains until it is cancelled, so that all others wait."""
        answer = self.call("JobService", "SubmitJob", jobs.SubmitJobRequest(spec=spec(epochs=10**7, ranks=2, model=SLOW)))
        self.jobs["busy"] = jobs.SubmitJobResponse.FromString(answer).job.id
        self._wait("busy", [states.STARTING, states.RUNNING])

    def empty_slot(self):
        self.call("JobService", "CancelJob", jobs.CancelJobRequest(id=self.jobs["busy"], mode=jobs.CANCEL_MODE_NOW))
        for page in [self.call("JobService", "ListJobs", jobs.ListJobsRequest(filter="state = QUEUED"))]:
            for job in jobs.ListJobsResponse.FromString(page).jobs:
                self.call("JobService", "CancelJob", jobs.CancelJobRequest(id=job.id))
        self._wait("busy", states.FINAL)
        while any("mpirun" in process.name() or "prterun" in process.name() for process in psutil.Process().children()):
            sleep(0.05)  # it clears up

    def _wait(self, name, wanted):
        request = jobs.WaitJobRequest(id=self.jobs[name], states=wanted, timeout_s=60)
        assert jobs.WaitJobResponse.FromString(self.call("JobService", "WaitJob", request)).job.state in wanted

    def with_folder(self):
        """The id of a job that has ended and left a folder."""
        job_id = self.console(stored, states.SUCCEEDED, 1)
        (self.folder / job_id).mkdir()
        self.console(rows.set_run_dir, job_id, str(self.folder / job_id))
        return job_id

    def console(self, work, *arguments):
        """Does something to the store beside the coordinator."""
        with closing(sqlite3.connect(self._state / "store.db", isolation_level=None, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return work(connection, *arguments)

    def setting(self, pragma):
        """Of the connection that the coordinator writes with; it is made when this returns."""
        made = threading.Event()
        self.server._app.database.post(lambda connection: (connection.execute(f"PRAGMA {pragma}"), made.set()))
        assert made.wait(60)

    def call(self, service, method, request, who="chief"):
        """Raises grpc.RpcError."""
        stream = method.startswith(("Watch", "Download"))
        opened = getattr(self._channels[self.server.address], "unary_stream" if stream else "unary_unary")
        called = opened(f"/bptrain.v1.{service}/{method}", request_serializer=lambda message: message if isinstance(message, bytes) else message.SerializeToString())
        authorization = [("authorization", f"bearer {self.tokens.get(who, who)}")] if who else []
        answer = called(request, metadata=authorization, timeout=60)
        return next(answer) and answer if stream else answer

    def attach(self):
        called = self._channels[self.server.worker_address].stream_stream(
            "/bptrain.v1.WorkerService/Attach", request_serializer=workers.AttachRequest.SerializeToString)
        next(called(iter([workers.AttachRequest(hello=workers.Hello(job_id="none", attempt=1))]), timeout=60))


def stored(connection, state, ranks):
    """The id of a job that only the store knows; there are two slots."""
    job_id = rows.new_id()
    rows.add(connection, job_id, spec(ranks=ranks, logical_shards=3), "none")
    lifecycle.submitted(connection, job_id)
    rows.set_state(connection, job_id, state, "for the test")
    return job_id


def spec(**replaced):
    return jobfile.parse(JOB | replaced)[0]


def with_rate(rate):
    found = spec()
    found.optimizer.attributes["learning_rate"] = rate
    return found


def with_data(path):
    return spec(data={"train": {"npz": {"path": path}}})


def submit(content, request_id="", who="chief"):
    return lambda place: place.call("JobService", "SubmitJob", jobs.SubmitJobRequest(spec=content, request_id=request_id), who)


def of_job(method, request, name, **more):
    return lambda place: place.call("JobService", method, request(id=place.jobs.get(name, name), **more))


def watch(cursor, job="waits"):
    return lambda place: place.call("MetricService", "WatchMetrics", metrics.WatchMetricsRequest(job_id=place.jobs[job], cursor=cursor))


def get(who, job="waits"):
    return lambda place: place.call("JobService", "GetJob", jobs.GetJobRequest(id=place.jobs.get(job, job)), who)


def listed(**request):
    return lambda place: place.call("JobService", "ListJobs", jobs.ListJobsRequest(**request))


def of_another_filter(place):
    page = jobs.ListJobsResponse.FromString(listed(page_size=1)(place))
    listed(page_token=page.next_page_token, filter="state = QUEUED")(place)


def same_id_other_body(place):
    for name in ("one", "other"):
        submit(spec(name=name, ranks=1, labels={"is": "repeated"}), "a request", who="chief")(place)


def too_many(who):
    """As many as one may have, and one more."""

    def fill(place):
        for _ in range(LIMITS.token_queued + 1):
            submit(spec(), who=who)(place)

    return fill


def purged(place):
    """The cursor before the last change of a job that is removed for good."""
    def gone(connection):
        revision = connection.execute("SELECT max(revision) FROM events").fetchone()[0]
        job_id = stored(connection, states.SUCCEEDED, 1)
        rows.purge(connection, job_id)
        return revision

    place.call("JobService", "WatchJobs", jobs.WatchJobsRequest(cursor=str(place.console(gone))))


def lost(place):
    """A cursor that was given since the copy was made to which the store was put back."""
    place.console(lambda connection: connection.execute("INSERT INTO lost VALUES (10000, 20000)"))
    place.call("JobService", "WatchJobs", jobs.WatchJobsRequest(cursor="15000"))


def damaged_checkpoint(place):
    job_id = place.with_folder()
    checkpoint = place.folder / job_id / "checkpoints" / "step-00000007"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").write_text("{}")
    place.call("JobService", "ForkJob", jobs.ForkJobRequest(id=job_id, step=7, spec=spec(ranks=1), update_mask={"paths": ["ranks"]}))


def slow_reader(place):
    """More than the line holds is sent to somebody who takes one message and waits until the place is given to another."""
    job_id = place.with_folder()
    with open(place.folder / job_id / "log", "wb") as log:
        log.truncate(256 << 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "SLOW_S", 0.2)
        answer = place.call("ArtifactService", "DownloadArtifact", artifacts.DownloadArtifactRequest(job_id=job_id, name="log"))
        while place.server._streams._count:
            sleep(0.05)
    list(answer)


def store_held(place):
    """By a program that does not give it back in time."""
    place.setting("busy_timeout = 10")
    try:
        place.console(lambda connection: (connection.execute("BEGIN IMMEDIATE"), submit(spec(), who="chief")(place)))
    finally:
        place.setting("busy_timeout = 10000")


def streams(place):
    opened = []
    try:
        for _ in range(LIMITS.streams + 1):
            opened.append(watch("")(place))
    finally:
        for each in opened:
            each.cancel()


def without_mpirun(place):
    """Neither in this Python's folder nor on PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        patch.setenv("PATH", "")
        place.call("ClusterService", "RenderLaunch", cluster.RenderLaunchRequest(job_id=place.jobs["waits"]))


def full_disk(place):
    """No page more than there are; afterwards as many as ever."""
    pages = place.console(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    place.setting(f"max_page_count = {pages}")
    try:
        for _ in range(100):
            place.call("AdminService", "CreateToken", admin.CreateTokenRequest(name=f"t{rows.new_id()}", scope=READ, lifetime_s=DAY_S))
    finally:
        place.setting("max_page_count = 1000000000")


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
    return Row(get(who), "UNAUTHENTICATED", reason, says)


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
    "an unknown state in a filter": invalid(listed(filter="state = RUNING"), "filter"),
    "no job": Row(of_job("GetJob", jobs.GetJobRequest, "nope"), "NOT_FOUND", "JOB_NOT_FOUND", '^there is no job "nope"; bptrain list shows all$'),
    "no artifact": Row(lambda place: place.call("ArtifactService", "GetArtifact", artifacts.GetArtifactRequest(job_id=place.jobs["done"], name="x")),
                       "NOT_FOUND", "ARTIFACT_NOT_FOUND", "has no artifact of this name; bptrain artifacts .* shows all$"),
    "no checkpoint": Row(of_job("ForkJob", jobs.ForkJobRequest, "done", request_id="f", spec=spec(ranks=1), update_mask={"paths": ["ranks"]}, step=7),
                         "NOT_FOUND", "CHECKPOINT_NOT_FOUND", "has no whole checkpoint of step 7; kept: none$"),
    "a damaged checkpoint": Row(damaged_checkpoint, "DATA_LOSS", "CHECKPOINT_CORRUPT", "'s checkpoint of step 7 is damaged; kept: 7$"),
    "no token": token("", "TOKEN_MISSING", "^this coordinator wants a token; "),
    "a token of nobody's": token("bpt_guessed", "TOKEN_INVALID", "^the token is not one of this coordinator's$"),
    "a token that has expired": token("late", "TOKEN_EXPIRED", "^token late has expired; ask an administrator for a new one$"),
    "a token that was revoked": token("gone", "TOKEN_REVOKED", "^token gone has been revoked; ask an administrator for a new one$"),
    "the wrong scope": Row(submit(spec(), who="reader"), "PERMISSION_DENIED", "SCOPE_MISSING", "^the scope submit is needed for SubmitJob; token reader has read$"),
    "the wrong scope, and no such job": Row(lambda place: place.call("JobService", "CancelJob", jobs.CancelJobRequest(id="nope"), "reader"),
                                            "PERMISSION_DENIED", "SCOPE_MISSING", "^the scope submit is needed for CancelJob; token reader has read$"),
    "a token's name again": Row(lambda place: place.call("AdminService", "CreateToken", admin.CreateTokenRequest(name="late", scope=READ, lifetime_s=DAY_S)),
                                "ALREADY_EXISTS", "TOKEN_NAME_TAKEN", "^there is or was a token late; choose another name$"),
    "no token of that name": Row(lambda place: place.call("AdminService", "RevokeToken", admin.RevokeTokenRequest(name="nobody")),
                                 "NOT_FOUND", "TOKEN_NOT_FOUND", '^there is no token "nobody"; bptrain token list shows all$'),
    "pausing what has ended": Row(of_job("PauseJob", jobs.PauseJobRequest, "done"), "FAILED_PRECONDITION", "STATE_NOT_ALLOWED",
                                  "is SUCCEEDED: it cannot be paused$", ("PreconditionFailure",)),
    "resuming what runs": Row(of_job("ResumeJob", jobs.ResumeJobRequest, "runs"), "FAILED_PRECONDITION", "STATE_NOT_ALLOWED",
                              "is RUNNING: it cannot be resumed$", ("PreconditionFailure",)),
    "deleting what runs": Row(of_job("DeleteJob", jobs.DeleteJobRequest, "runs"), "FAILED_PRECONDITION", "STATE_NOT_ALLOWED",
                              "is RUNNING: it cannot be deleted$", ("PreconditionFailure",)),
    "an old etag": Row(of_job("UpdateJob", jobs.UpdateJobRequest, "waits", etag="0", spec=spec(), update_mask={"paths": ["priority"]}),
                       "ABORTED", "ETAG_MISMATCH", "has changed since it was looked at; look again$"),
    "a page token of nobody's": Row(listed(page_token="!"), "INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "^the page token is not one of ours$"),
    "a page token of another filter": Row(of_another_filter, "INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "^the page token is not one of ours$"),
    "a cursor of another job": Row(watch("sgc.17"), "INVALID_ARGUMENT", "CURSOR_FOREIGN", '^the cursor "sgc.17" is not one of job '),
    "a cursor of no watch": Row(lambda place: place.call("JobService", "WatchJobs", jobs.WatchJobsRequest(cursor="x")),
                                "INVALID_ARGUMENT", "CURSOR_INVALID", '^the cursor "x" is not one of the watch of all jobs$'),
    "a cursor that is not a job's any more": Row(lambda place: place.call("MetricService", "WatchMetrics", metrics.WatchMetricsRequest(
        job_id=place.jobs["done"], cursor=f"{place.jobs['done']}.99999999")), "INVALID_ARGUMENT", "CURSOR_FOREIGN", "99999999\" is not one of job "),
    "a cursor of a store that was put back": Row(lost, "INVALID_ARGUMENT", "CURSOR_LOST",
                                                 '^the store was put back to a copy from before the cursor "15000"; list all jobs anew, then watch without a cursor$'),
    "a cursor from before what is kept": Row(purged, "OUT_OF_RANGE", "CURSOR_COMPACTED", r'^changes behind the cursor "\d+" were removed with their jobs; the oldest'),
    "the request id of another call": Row(same_id_other_body, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "^request id a request was used for another call: SubmitJob of "),
    "more than one's share of the queue": Row(too_many("submitter"), "RESOURCE_EXHAUSTED", "QUOTA", "^token submitter may have 2 job.s. waiting",
                                              ("QuotaFailure", "RetryInfo")),
    "a full queue": Row(lambda place: [submit(spec(), who=who)(place) for who in ("other", "third")], "RESOURCE_EXHAUSTED", "QUEUE_FULL",
                        "^the queue is full, with 5 job.s. waiting; try again when one has started$", ("QuotaFailure", "RetryInfo")),
    "more streams than may be": Row(streams, "RESOURCE_EXHAUSTED", "STREAM_LIMIT", "^as many streams are open as all callers together may have, 2; ", ("QuotaFailure", "RetryInfo")),
    "a reader that takes nothing": Row(slow_reader, "RESOURCE_EXHAUSTED", "SLOW_READER", "^the reader took nothing for 0.2 s; it may go on", ("RetryInfo",)),
    "a store that another program holds": Row(store_held, "UNAVAILABLE", "NOT_READY", "^the coordinator's store is held by another program", ("RetryInfo",)),
    "a full disk": Row(full_disk, "RESOURCE_EXHAUSTED", "STORE_FULL", "^the coordinator's disk is full: nothing new is taken", ("RetryInfo",)),
    "more slots than others leave": Row(of_job("ResizeJob", jobs.ResizeJobRequest, "grows", ranks=2), "FAILED_PRECONDITION", "SLOTS_TAKEN",
                                      "needs 1 more slot.s., but other jobs leave 0$"),
    "ranks that are not on the line": Row(of_job("ResizeJob", jobs.ResizeJobRequest, "runs", ranks=1), "UNAVAILABLE", "RANKS_AWAY",
                                          "are not on the line; try again in a moment$", ("RetryInfo",)),
    "ranks of another attempt": Row(lambda place: place.attach(), "PERMISSION_DENIED", "ATTEMPT_FENCED", "^attempt 1 of job none is not the one that runs$"),
    "no mpirun": Row(without_mpirun, "FAILED_PRECONDITION", "LAUNCHER_UNAVAILABLE", "^ranks cannot be started here: mpirun was not found: "),
    "a message that is too large": Row(submit(spec(metrics=["accuracy"] * 20_000)), "RESOURCE_EXHAUSTED", "", r"larger than max \(\d+ vs. 65536\)"),
    "bytes that are no message": Row(lambda place: place.call("JobService", "GetJob", b"\xff\xff\xff"), "INVALID_ARGUMENT", "MESSAGE_INVALID",
                                     "^these bytes are no message of GetJob$"),
    "bytes that are no message, from nobody": Row(lambda place: place.call("JobService", "GetJob", b"\xff\xff\xff", ""), "UNAUTHENTICATED", "TOKEN_MISSING",
                                                  "^this coordinator wants a token; "),
    "a call that there is not": Row(lambda place: place.call("JobService", "EraseEverything", b""), "UNIMPLEMENTED", "FEATURE_OFF",
                                    "^this coordinator has no call JobService/EraseEverything; bptrain info says"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with ExitStack() as stack:
        opened = Place(stack, tmp_path_factory.mktemp("place"))
        opened.fill_slot()
        yield opened
        opened.empty_slot()


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


def test_every_problem_of_a_job_comes_at_once(place):
    with pytest.raises(grpc.RpcError) as caught:
        submit(JobSpec())(place)
    request = details.BadRequest()
    assert rpc_status.from_call(caught.value).details[1].Unpack(request)
    assert {"name", "batch_size", "epochs"} <= {violation.field for violation in request.field_violations}


def test_more_problems_than_an_answer_carries_are_counted(place):
    with pytest.raises(grpc.RpcError) as caught:
        submit(spec(model={"input": [4], "layers": [f"linnear{number}" for number in range(200)]}))(place)
    request = details.BadRequest()
    assert rpc_status.from_call(caught.value).details[1].Unpack(request)
    *shown, last = request.field_violations
    left = int(re.fullmatch(r"has (\d+) more problem\(s\)", last.description)[1])
    assert last.field == "job" and len(shown) + left >= 200 and len(shown) > 3


def test_every_reason_has_a_row_or_a_test_elsewhere():
    assert {row.reason for row in ROWS.values() if row.reason} | set(ELSEWHERE) == set(CATALOGUE)
    assert [reason for reason, file in ELSEWHERE.items() if reason not in (ROOT / file).read_text()] == []
