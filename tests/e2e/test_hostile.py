"""Hostile input over a real socket: refused by the table of errors, while others' calls are answered as ever, and neither an
answer nor the log has a traceback or a path of the host."""

import logging
import random
import socket
import sqlite3
import threading
from contextlib import closing, contextmanager

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bptrain.v1 import artifact_service_pb2 as artifacts
from bptrain.v1 import job_service_pb2 as jobs
from bptrain.v1 import log_service_pb2 as logs
from bptrain.v1 import metric_service_pb2 as metrics
from coordinator.access import issue
from coordinator.access.rules import ADMIN, READ, RULES
from coordinator.answers import raised
from coordinator.app import Settings
from coordinator.embedded import embedded
from coordinator.jobs import states
from coordinator.ports import LOOPBACK, Listen, Tls
from coordinator.store import jobs as rows
from coordinator.store import lifecycle
from worker.jobs import jobfile

JOB = {"name": "small", "data": {"train": {"npz": {"path": "train.npz"}}}, "model": {"input": [4], "layers": [{"linear": {"units": 2}}]},
       "loss": "softmax_cross_entropy", "optimizer": {"adam": {"learning_rate": 0.01}}, "batch_size": 8, "epochs": 1, "seed": 7}
CANARY = b"the canary of the host"
MALFORMED, SEED = 1000, 20261121
DAY_S, DEADLINE_S = 86_400, 60

STEPS_UP = ["..", "%2e%2e", "..%00", "..;", ". .", "..\\", "....", "．．", "%252e%252e", "..%c0%af", "%c0%ae%c0%ae", "..\u2215"]
TARGETS = ["secret.npz", "/secret.npz", "/state/store.db", "//secret.npz"]
PATHS = [up + "/" + target.lstrip("/") if number % 2 else f"x/{up}/{up}{target}" for number, (up, target) in enumerate(
    (up, target) for up in STEPS_UP for target in TARGETS)] + [
    "/etc/passwd", "/proc/self/environ", "/dev/zero", "file:///etc/passwd", "\\\\host\\share", "C:\\secret.npz", "~/secret.npz", "$HOME/secret.npz",
    "secret.npz\0.npz", "train.npz#/../../secret.npz", "train.npz?/../../secret.npz", "link.npz", "folder/../../secret.npz", "./../secret.npz",
    "fifo.npz", "", ".", "/", "a" * 5000, "|cat /etc/passwd", "train.npz/../../secret.npz", "\n../secret.npz", "..//..//secret.npz", "\u202e../secret.npz"]


class Place:
    def __init__(self, server, folder):
        self.server, self._folder = server, folder
        self.token = self.console(issue.create_at_console, "chief", ADMIN, DAY_S)
        self.reader = self.console(issue.create_at_console, "reader", READ, DAY_S)
        self.job = self.console(stored)

    def console(self, work, *arguments):
        with closing(sqlite3.connect(self._folder / "state" / "store.db", isolation_level=None, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return work(connection, *arguments)

    @contextmanager
    def line(self):
        with grpc.insecure_channel(self.server.address) as channel:
            yield lambda method, data, token=self.token: self.ask(channel, method, data, token)

    def ask(self, channel, method, data, token):
        """(status, everything that was said), of a call with these bytes."""
        streams = method.rpartition("/")[2].startswith(("Watch", "Download", "Export"))
        call = getattr(channel, "unary_stream" if streams else "unary_unary")(method)
        try:
            answer = call(data, metadata=[("authorization", f"bearer {token}")], timeout=2 if streams else DEADLINE_S)
            return "OK", b"".join(answer) if streams else answer
        except grpc.RpcError as error:
            return error.code().name, repr((error.details(), error.trailing_metadata())).encode()

    def is_discreet(self, said):
        """No traceback, nothing of the host's file system, no secret."""
        return not any(word in said for word in (b"Traceback", b"File \"", str(self._folder).encode(), CANARY, b"root:x:", self.token.encode()))


def stored(connection):
    job_id = rows.new_id()
    rows.add(connection, job_id, jobfile.parse(JOB)[0], "none")
    lifecycle.submitted(connection, job_id)
    rows.set_state(connection, job_id, states.SUCCEEDED, "")
    return job_id


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data root, and beside it what nobody may read."""
    outside = tmp_path_factory.mktemp("outside")
    root = outside / "root"
    root.mkdir()
    x = np.zeros((16, 4), np.float32)
    np.savez(root / "train.npz", x=x, y=np.arange(16) % 2)
    np.savez(outside / "secret.npz", x=x, y=np.arange(16) % 2, canary=np.frombuffer(CANARY, np.uint8))
    (root / "link.npz").symlink_to(outside / "secret.npz")
    (root / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as special:
        special.bind(str(root / "fifo.npz")[:100])
    return outside


@pytest.fixture(scope="module")
def place(folder):
    with embedded(Settings(folder / "state", folder / "root", slots=1, require_token=True)) as server:
        yield Place(server, folder)


@pytest.fixture(autouse=True)
def others(place, caplog):
    """Somebody else calls all the while, and is answered each time; the log stays discreet."""
    caplog.set_level(logging.DEBUG)
    over, answers = threading.Event(), []

    def call():
        with place.line() as ask:
            while not over.is_set() or not answers:
                answers.append(ask("/bptrain.v1.JobService/GetJob", jobs.GetJobRequest(id=place.job).SerializeToString(), place.reader)[0])
                over.wait(0.01)

    caller = threading.Thread(target=call)
    caller.start()
    yield
    over.set()
    caller.join(DEADLINE_S)
    assert set(answers) == {"OK"}
    with grpc.insecure_channel(place.server.address) as channel:
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE_S).status == 1
    assert place.is_discreet(caplog.text.encode())


def test_there_are_sixty_ways_out_of_a_folder():
    assert len(set(PATHS)) >= 60


def test_no_path_leads_out_of_the_data_root(place):
    with place.line() as ask:
        for path in PATHS:
            spec = jobfile.parse(JOB | {"data": {"train": {"npz": {"path": path}}}})[0]
            request = jobs.SubmitJobRequest(spec=spec, validate_only=True)
            status, said = ask("/bptrain.v1.JobService/SubmitJob", request.SerializeToString())
            assert (status, place.is_discreet(said)) == ("INVALID_ARGUMENT", True), path


def test_no_path_is_a_name(place):
    with place.line() as ask:
        for path in PATHS:
            spec = jobfile.parse(JOB)[0]
            spec.name = path
            status, said = ask("/bptrain.v1.JobService/SubmitJob", jobs.SubmitJobRequest(spec=spec, validate_only=True).SerializeToString())
            assert place.is_discreet(said)
            assert status == ("OK" if path in ("secret.npz", "link.npz", "fifo.npz") else "INVALID_ARGUMENT"), path


@pytest.mark.parametrize("method", ["GetArtifact", "DownloadArtifact", "DeleteArtifact"])
def test_no_path_is_an_artifact_or_a_job(place, method):
    message = getattr(artifacts, f"{method}Request")
    with place.line() as ask:
        for path in PATHS:
            for request in (message(job_id=place.job, name=path), message(job_id=path, name="journal")):
                status, said = ask(f"/bptrain.v1.ArtifactService/{method}", request.SerializeToString())
                assert (status, place.is_discreet(said)) == ("NOT_FOUND", True), path


def requests(place):
    """A good message of some calls, to spoil."""
    spec = jobfile.parse(JOB)[0]
    return {"JobService/SubmitJob": jobs.SubmitJobRequest(spec=spec, validate_only=True), "JobService/GetJob": jobs.GetJobRequest(id=place.job),
            "JobService/ListJobs": jobs.ListJobsRequest(page_size=10, filter="state = RUNNING"),
            "JobService/UpdateJob": jobs.UpdateJobRequest(id=place.job, spec=spec, update_mask={"paths": ["labels"]}, validate_only=True),
            "JobService/CancelJob": jobs.CancelJobRequest(id=place.job), "JobService/ResizeJob": jobs.ResizeJobRequest(id=place.job, ranks=2),
            "MetricService/QueryMetrics": metrics.QueryMetricsRequest(job_ids=[place.job], series=["loss"], max_points=10),
            "MetricService/WatchMetrics": metrics.WatchMetricsRequest(job_id=place.job, cursor=f"{place.job}.0"),
            "LogService/ReadLogs": logs.ReadLogsRequest(job_id=place.job, page_size=10),
            "ArtifactService/DeleteArtifact": artifacts.DeleteArtifactRequest(job_id=place.job, name="log", validate_only=True),
            "ArtifactService/DownloadArtifact": artifacts.DownloadArtifactRequest(job_id=place.job, name="journal", offset_bytes=1)}


def spoiled(chance, good):
    """Bytes that are not, or not quite, what was meant."""
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 200))
    if kind == 1:
        return good[:chance.randrange(len(good))]
    if kind == 2:  # a length of 2³¹ and more
        return good + bytes([chance.choice((0x0a, 0x12, 0x1a))]) + b"\xff\xff\xff\xff" + bytes([chance.randrange(8, 16)])
    if kind == 3:  # a message in a message in a message …
        inside = b""
        for _ in range(chance.randrange(50, 120)):
            inside = b"\x0a" + bytes([len(inside) & 127]) + inside[:127]
        return inside
    if kind == 4:  # text that is not UTF-8
        return good.replace(good[2:4], b"\xff\xfe") if len(good) > 4 else b"\x0a\x02\xff\xfe"
    spoilt = bytearray(good)
    for _ in range(chance.randrange(1, 6)):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def test_a_thousand_spoiled_messages_are_refused_in_words(place):
    """The seed is fixed; a failure names the call and the bytes."""
    chance, good = random.Random(SEED), {method: message.SerializeToString() for method, message in requests(place).items()}
    assert {f"/bptrain.v1.{method}" for method in good} <= set(RULES)
    with place.line() as ask:
        for _ in range(MALFORMED):
            method = chance.choice(sorted(good))
            data = spoiled(chance, good[method])
            status, said = ask(f"/bptrain.v1.{method}", data)
            assert status not in ("UNKNOWN", "INTERNAL", "UNAVAILABLE", "UNIMPLEMENTED") and place.is_discreet(said), (method, data, said)


@pytest.mark.parametrize("size", [(4 << 20) + 1, 64 << 20])
def test_a_message_that_is_too_large_is_refused_by_its_size(place, size):
    with grpc.insecure_channel(place.server.address, options=[("grpc.max_send_message_length", -1)]) as channel:
        status, said = place.ask(channel, "/bptrain.v1.JobService/SubmitJob", bytes(size), place.token)
        assert status == "RESOURCE_EXHAUSTED" and b"larger than max" in said


def test_what_is_no_http_2_is_hung_up_on(place):
    host, _, port = place.server.address.rpartition(":")
    for words in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", random.Random(SEED).randbytes(4096), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(1000)):
        with socket.create_connection((host, int(port)), timeout=DEADLINE_S) as line:
            line.sendall(words)
            line.shutdown(socket.SHUT_WR)
            try:
                said = b"".join(iter(lambda: line.recv(4096), b""))
            except ConnectionResetError:
                said = b""
            assert place.is_discreet(said)


def test_plain_text_to_the_tls_port_is_refused_and_tls_goes_on(folder, tmp_path):
    pytest.importorskip("cryptography", reason="needs pip install 'bptrain[certs]'")
    from coordinator import certificates
    from coordinator.client import Client
    from coordinator.endpoint import Endpoint

    certificates.write(tmp_path, ["trainer.example"], days=1)
    tls = Tls(tmp_path / "server.crt", tmp_path / "server.key")
    with embedded(Settings(tmp_path / "state", folder / "root", slots=1), Listen(LOOPBACK, 0, 0, tls)) as server:
        with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/bptrain.v1.JobService/ListJobs")(b"", timeout=DEADLINE_S)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "it wants TLS" in str(raised(caught.value, server.address))
        with Client(Endpoint(server.address, ca=tmp_path / "ca.crt")) as client:
            assert list(client.list()) == []
