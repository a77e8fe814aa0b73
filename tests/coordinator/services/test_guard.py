"""Tokens over a real socket: who is let in to what, until when, and what is written down about it."""

import logging
import re
import sqlite3
import time
from contextlib import closing

import grpc
import pytest
from click.testing import CliRunner
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bpcore.errors import InvalidInput
from bptrain.v1 import admin_service_pb2 as admin
from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1.admin_service_pb2_grpc import AdminServiceStub
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from coordinator.access import issue
from coordinator.access.rules import ADMIN, READ, SUBMIT
from coordinator.app import Settings
from coordinator.answers import raised
from coordinator.cli import bptrain
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.endpoint import Endpoint
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.limits import Limits
from coordinator.store import jobs, lifecycle

DAY_S = 86_400
SCOPES = {"reader": READ, "submitter": SUBMIT, "chief": ADMIN}
CALLS = {
    "get": (READ, lambda client, job: client.get(job)),
    "list": (READ, lambda client, job: list(client.list())),
    "curve": (READ, lambda client, job: client.curve(job)),
    "logs": (READ, lambda client, job: list(client.logs(job))),
    "resize": (SUBMIT, lambda client, job: client.resize(job, 1)),
    "tokens": (ADMIN, lambda client, job: client.tokens()),
    "audit": (ADMIN, lambda client, job: list(client.audit())),
    "revoke": (ADMIN, lambda client, job: client.revoke_token("nobody")),
    "create": (ADMIN, lambda client, job: client.create_token("reader", READ, DAY_S)),
}


class Place:
    """A coordinator with a job that is too large for it, so that all others wait behind it, and a token of each scope."""

    def __init__(self, server, state, spec):
        self.server, self.state = server, state
        self.secrets = {name: self.console(issue.create_at_console, name, scope, DAY_S)
                        for name, scope in sorted(SCOPES.items(), key=lambda item: -item[1])}
        self.job = self.console(waiting, spec)

    def console(self, work, *arguments):
        """Does something to the store beside the coordinator, as another process would."""
        with closing(sqlite3.connect(self.state / "store.db", isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            return work(connection, *arguments)

    def client(self, secret):
        return Client(Endpoint(self.server.address, secret))

    def by(self, name):
        return self.client(self.secrets[name])


def waiting(connection, spec):
    job_id = jobs.new_id()
    jobs.add(connection, job_id, spec, "none")
    lifecycle.submitted(connection, job_id)
    return job_id


@pytest.fixture(scope="module")
def place(tmp_path_factory, data_root, small_spec):
    state = tmp_path_factory.mktemp("state")
    with embedded(Settings(state, data_root, slots=1, require_token=True)) as server:
        yield Place(server, state, small_spec(ranks=2, logical_shards=2))


def refusal(call):
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("name", SCOPES)
@pytest.mark.parametrize("call", CALLS)
def test_a_token_opens_what_its_scope_covers_and_nothing_else(place, name, call):
    needed, ask = CALLS[call]
    with place.by(name) as client:
        try:
            ask(client, place.job)
            reason = ""
        except Refusal as error:
            reason = error.reason
    assert (reason == "SCOPE_MISSING") == (SCOPES[name] < needed)
    assert reason in ("", "SCOPE_MISSING", "STATE_NOT_ALLOWED", "TOKEN_NOT_FOUND", "TOKEN_NAME_TAKEN")


def test_the_wrong_scope_is_refused_by_name(place):
    with place.by("reader") as client:
        assert str(refusal(lambda: client.cancel(place.job))) == "the scope submit is needed for CancelJob; token reader has read"


def test_without_a_token_nobody_learns_whether_a_job_exists(place):
    with place.client("") as client:
        for ask in [*(ask for _, ask in CALLS.values()), lambda client, job: client.get("nope"), lambda client, job: list(client.watch(job))]:
            assert refusal(lambda: ask(client, place.job)).reason == "TOKEN_MISSING"


@pytest.mark.parametrize("secret", ["guessed", "bpt_"])
def test_an_unknown_token_is_refused(place, secret):
    with place.client(secret) as client:
        assert str(refusal(lambda: list(client.list()))) == "the token is not one of this coordinator's"


@pytest.mark.parametrize(("header", "status"), [("bearer {}", None), ("Bearer {}", None), ("basic {}", "UNAUTHENTICATED"), ("{}", "UNAUTHENTICATED")])
def test_the_header_is_a_bearers(place, header, status):
    with grpc.insecure_channel(place.server.address) as channel:
        metadata = [("authorization", header.format(place.secrets["reader"]))]
        try:
            JobServiceStub(channel).ListJobs(pb.ListJobsRequest(), metadata=metadata, timeout=30)
            found = None
        except grpc.RpcError as error:
            found = error.code().name
            assert raised(error, "").reason == "TOKEN_MISSING"
    assert found == status


def test_an_expired_token_is_refused(place):
    secret = place.console(issue.create_at_console, "short", READ, DAY_S)
    place.console(lambda connection: connection.execute("UPDATE tokens SET expires = ? WHERE name = 'short'", [time.time() - 1]))
    with place.client(secret) as client:
        assert str(refusal(lambda: list(client.list()))) == "token short has expired; ask an administrator for a new one"


def test_a_revoked_token_is_refused_from_the_next_call_on(place):
    with place.by("chief") as chief, place.client(chief.create_token("leaver", READ, DAY_S).secret) as client:
        assert [job.id for job in client.list()] == [place.job]
        assert chief.revoke_token("leaver").revoked == chief.revoke_token("leaver").revoked > 0
        assert str(refusal(lambda: list(client.list()))) == "token leaver has been revoked; ask an administrator for a new one"


@pytest.mark.parametrize("where", ["over the wire", "in the store"])
def test_an_open_stream_ends_within_a_second_of_its_tokens_end(place, where):
    with place.by("chief") as chief, place.client(chief.create_token(f"watcher-{where[0]}", READ, DAY_S).secret) as client:
        stream = client.watch(place.job)
        assert next(stream).kind == "transition"
        began = time.monotonic()
        if where == "over the wire":
            chief.revoke_token("watcher-o")
        else:
            place.console(issue.revoke, "watcher-i")
        assert refusal(lambda: list(stream)).reason == "TOKEN_REVOKED"
        assert time.monotonic() - began < 1


def test_a_token_that_has_all_its_streams_open_is_refused_one_more_and_others_are_not(tmp_path, data_root, small_spec):
    with embedded(Settings(tmp_path / "state", data_root, slots=1, require_token=True, limits=Limits(token_streams=2))) as server:
        place = Place(server, tmp_path / "state", small_spec(ranks=2, logical_shards=2))
        with place.by("reader") as reader, place.by("submitter") as other:
            assert reader.info().limits.token_streams == 2
            streams = [reader.watch(place.job) for _ in range(2)]
            assert [next(stream).kind for stream in streams] == ["transition"] * 2
            refused = refusal(lambda: next(reader.watch(place.job)))
            assert str(refused) == "as many streams are open as token reader may have, 2; try again when one has ended"
            assert reader.get(place.job).id == place.job and next(other.watch(place.job)).kind == "transition"
        until = time.monotonic() + 60
        with place.by("reader") as reader:  # hung up: there is room again
            while True:
                try:
                    next(reader.watch(place.job))
                    break
                except Refusal:
                    assert time.monotonic() < until
                    time.sleep(0.05)


def test_health_is_open_to_everybody(place):
    with grpc.insecure_channel(place.server.address) as channel:
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30).status


def test_a_call_that_there_is_not_is_said_so(place):
    with grpc.insecure_channel(place.server.address) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/bptrain.v1.JobService/Nope")(b"", timeout=30)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(("name", "scope", "lifetime_s", "fields"), [
    ("", 0, 0, ["name", "scope", "lifetime_s"]), ("../x", READ, DAY_S, ["name"]), ("x", 9, 10**12, ["scope", "lifetime_s"])])
def test_a_token_that_makes_no_sense_is_refused_with_every_problem(place, name, scope, lifetime_s, fields):
    with place.by("chief") as chief, pytest.raises(InvalidInput) as caught:
        chief.create_token(name, scope, lifetime_s)
    assert [problem.field for problem in caught.value.problems] == fields


def test_names_are_never_given_away_again(place):
    with place.by("chief") as chief:
        assert str(refusal(lambda: chief.create_token("reader", READ, DAY_S))) == "there is or was a token reader; choose another name"


@pytest.fixture
def admin_call(place):
    """`admin_call("CreateToken", who="chief", …)`: the answer to one call with these fields, over the wire."""
    with grpc.insecure_channel(place.server.address) as channel:
        stub = AdminServiceStub(channel)

        def call(method, who="chief", **fields):
            request = getattr(admin, f"{method}Request")(**fields)
            try:
                return getattr(stub, method)(request, metadata=[("authorization", f"bearer {place.secrets[who]}")], timeout=60)
            except grpc.RpcError as error:
                raise raised(error, "") from None

        yield call


def test_a_repeated_creation_renews_the_secret_that_was_lost(place, admin_call):
    """The first answer may have gone with its connection, and nobody kept the secret: the next one opens, that one does not."""
    asked = {"name": "lost", "scope": READ, "lifetime_s": DAY_S, "request_id": "a creation"}
    first, second = admin_call("CreateToken", **asked), admin_call("CreateToken", **asked)
    assert first.token == second.token and first.secret != second.secret
    with place.client(first.secret) as lost, place.client(second.secret) as found:
        assert refusal(lambda: list(lost.list())).reason == "TOKEN_INVALID"
        assert place.job in [job.id for job in found.list()]
    with place.by("chief") as chief:
        assert [token.name for token in chief.tokens()].count("lost") == 1
        assert [record.target for record in chief.audit() if record.request_id == "a creation"] == ["lost", "lost"]
        chief.revoke_token("lost")
    third = admin_call("CreateToken", **asked)
    assert third.secret == "" and third.token.revoked


def test_nobody_gets_a_secret_by_repeating_anothers_creation(place, admin_call):
    place.secrets["deputy"] = place.console(issue.create_at_console, "deputy", ADMIN, DAY_S)
    asked = {"name": "private", "scope": ADMIN, "lifetime_s": DAY_S, "request_id": "the chief's"}
    secret = admin_call("CreateToken", **asked).secret
    refused = refusal(lambda: admin_call("CreateToken", who="deputy", **asked))
    assert str(refused) == "request id the chief's was used for another call: CreateToken of private"
    assert refusal(lambda: admin_call("CreateToken", **asked | {"scope": READ})).reason == "REQUEST_ID_REUSED"
    with place.client(secret) as private:
        assert place.job in [job.id for job in private.list()]


def test_a_repeated_revocation_and_a_repeated_copy_are_answered_as_the_first(place, admin_call):
    admin_call("CreateToken", name="goer", scope=READ, lifetime_s=DAY_S)
    assert admin_call("RevokeToken", name="goer", request_id="a revocation") == admin_call("RevokeToken", name="goer", request_id="a revocation")
    assert refusal(lambda: admin_call("RevokeToken", name="reader", request_id="a revocation")).reason == "REQUEST_ID_REUSED"
    made = [admin_call("CreateBackup", request_id=each).backup.name for each in ("a copy", "a copy", "another")]
    assert made[0] == made[1] != made[2]
    with place.by("chief") as chief:
        assert [each.name for each in chief.check_store().backups] == [made[2], made[0]]


def state(chief):
    """Everything that a call for administrators may change."""
    return list(chief.tokens()), list(chief.check_store().backups), next(chief.audit()).id


def test_a_call_that_is_only_checked_makes_no_secret_and_leaves_no_trace(place, admin_call):
    with place.by("chief") as chief:
        before = state(chief)
        would = admin_call("CreateToken", name="maybe", scope=READ, lifetime_s=DAY_S, request_id="a question", validate_only=True)
        assert (would.secret, would.token.name, would.token.scope) == ("", "maybe", READ)
        assert admin_call("RevokeToken", name="reader", request_id="a question", validate_only=True).token.revoked > 0
        copy = admin_call("CreateBackup", request_id="a question", validate_only=True).backup
        assert (copy.name, copy.time) == ("", 0)
        assert state(chief) == before
        assert chief.create_backup().size_bytes >= copy.size_bytes > 0
    with place.by("reader") as reader:
        assert place.job in [job.id for job in reader.list()]


@pytest.mark.parametrize(("method", "fields", "reason"), [
    ("CreateToken", {"name": "reader", "scope": READ, "lifetime_s": DAY_S}, "TOKEN_NAME_TAKEN"), ("RevokeToken", {"name": "nobody"}, "TOKEN_NOT_FOUND"),
    ("CreateToken", {"name": "maybe", "scope": READ, "lifetime_s": DAY_S}, ""), ("RevokeToken", {"name": "reader"}, ""), ("CreateBackup", {}, "")])
def test_a_question_is_refused_where_the_call_would_be(admin_call, method, fields, reason):
    assert refusal(lambda: admin_call(method, who="submitter", validate_only=True, **fields)).reason == "SCOPE_MISSING"
    if reason:
        assert refusal(lambda: admin_call(method, validate_only=True, **fields)).reason == reason


def test_every_problem_of_a_token_that_is_only_checked_is_named(admin_call):
    with pytest.raises(InvalidInput) as caught:
        admin_call("CreateToken", name="a b", validate_only=True)
    assert [problem.field for problem in caught.value.problems] == ["name", "scope", "lifetime_s"]


@pytest.mark.parametrize(("words", "said"), [
    (["token", "create", "maybe"], r"nothing was done; maybe would be good until \d{4}-\d\d-\d\d .*"), (["token", "revoke", "reader"], "nothing was done; reader would be revoked"),
    (["backup", "create"], r"nothing was done; it would have \d+ bytes")])
def test_the_command_line_asks_without_doing(place, tmp_path, words, said):
    (tmp_path / "chief").write_text(place.secrets["chief"])
    with place.by("chief") as chief:
        before = state(chief)
        command = [*words, "--validate-only", "--coordinator", place.server.address, "--token-file", str(tmp_path / "chief")]
        assert re.fullmatch(said, CliRunner().invoke(bptrain, command, catch_exceptions=False).output.strip())
        assert state(chief) == before


def test_the_trail_says_who_did_what_to_which_job_and_how_it_ended(place, small_spec):
    with place.by("reader") as reader, place.by("submitter") as submitter, place.by("chief") as chief:
        newest = next(chief.audit()).id
        list(reader.list())
        submitter.submit(small_spec(ranks=1), validate_only=True)
        made = submitter.submit(small_spec(ranks=1)).id
        submitter.cancel(made)
        for refused in (lambda: submitter.resize("nope", 2), lambda: reader.cancel(made)):
            refusal(refused)
        time.sleep(0.5)  # a refusal is written down once it is on its way
        found = [record for record in chief.audit() if record.id > newest][::-1]
    assert [(record.who, record.method, record.target, record.outcome) for record in found] == [
        ("submitter", "SubmitJob", made, "OK"), ("submitter", "CancelJob", made, "OK"),
        ("submitter", "ResizeJob", "nope", "JOB_NOT_FOUND"), ("reader", "CancelJob", made, "SCOPE_MISSING")]
    assert [bool(record.request_id) for record in found] == [True] * 4
    assert all(abs(record.time - time.time()) < 60 for record in found)


def test_a_record_stands_before_anything_is_done(place, monkeypatch):
    """So that a coordinator that dies meanwhile has not changed anything in secret."""
    seen = []
    cancel = place.server._app.changes.cancel
    monkeypatch.setattr(place.server._app.changes, "cancel", lambda request: seen.append(
        place.console(lambda connection: dict(connection.execute("SELECT * FROM audit ORDER BY id DESC").fetchone()))) or cancel(request))
    with place.by("submitter") as submitter:
        refusal(lambda: submitter.cancel("nope"))
    assert (seen[0]["method"], seen[0]["target"], seen[0]["outcome"]) == ("CancelJob", "nope", "")


def test_the_trail_does_not_grow_by_what_can_be_no_name(place):
    with place.by("chief") as chief:
        refusal(lambda: chief.cancel("x" * 1000))
        assert next(chief.audit()).target == "x" * 64


def test_the_trail_comes_in_pages(place):
    with place.by("chief") as chief:
        for number in range(60):
            refusal(lambda: chief.revoke_token(f"nobody-{number}"))
        assert [record.target for record in chief.audit()][:60] == [f"nobody-{number}" for number in reversed(range(60))]


def test_no_secret_is_in_any_file_or_log(place, admin_call, caplog):
    caplog.set_level(logging.DEBUG)
    with place.by("chief") as chief:
        secrets = [*place.secrets.values(), chief.create_token("logged", READ, DAY_S).secret]
        secrets += [admin_call("CreateToken", name="twice", scope=READ, lifetime_s=DAY_S, request_id="twice").secret for _ in range(2)]
        list(chief.audit()), chief.tokens()
    for secret in secrets[-3:]:
        with place.client(secret) as client:
            refusal(lambda: client.cancel(place.job))
    kept = b"".join(path.read_bytes() for path in place.state.rglob("*") if path.is_file()) + caplog.text.encode()
    assert b"logged" in kept and [secret for secret in secrets if secret.encode() in kept] == []


def test_tokens_are_wanted_from_the_first_on_and_it_has_to_be_an_administrators(tmp_path, data_root):
    with embedded(Settings(tmp_path / "state", data_root, slots=1)) as server, Client(Endpoint(server.address)) as anyone:
        assert list(anyone.list()) == []
        with pytest.raises(InvalidInput, match='^scope: expected admin for the first token, or nobody could make the next, got "read"$'):
            anyone.create_token("first", READ, DAY_S)
        secret = anyone.create_token("first", ADMIN, DAY_S).secret
        assert refusal(lambda: list(anyone.list())).reason == "TOKEN_MISSING"
        with Client(Endpoint(server.address, secret)) as client:
            assert [(record.who, record.target) for record in client.audit()][0] == ("anyone", "first")
            client.revoke_token("first")
        assert refusal(lambda: list(anyone.list())).reason == "TOKEN_MISSING"  # the end of the last token opens nothing


@pytest.mark.slow
def test_a_change_is_brought_to_its_end_when_its_caller_hangs_up(serving, small_spec):
    """Each submit is given up at another moment; what was stored runs, and the trail has how it ended."""
    with serving() as (server, client):
        with grpc.insecure_channel(server.address) as channel:
            submit = JobServiceStub(channel).SubmitJob
            for number in range(0, 20, 3):
                calling = submit.future(pb.SubmitJobRequest(spec=small_spec(ranks=1, epochs=1), request_id=str(number)))
                time.sleep(number / 1000)
                calling.cancel()
        until = time.monotonic() + 120
        while not all(job.state in states.FINAL for job in client.list()):
            assert time.monotonic() < until
            time.sleep(0.05)
        ended = {record.target: record.outcome for record in client.audit() if record.target}
        assert ended == {job.id: "OK" for job in client.list()} != {}
