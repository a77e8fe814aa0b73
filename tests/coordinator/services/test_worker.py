"""WorkerService over the wire, called as the ranks of a job that has ended would call once more."""

import grpc
import pytest

from bptrain.v1.report_pb2 import Report
from bptrain.v1.worker_service_pb2 import AttachRequest, Hello, ReportBatch
from bptrain.v1.worker_service_pb2_grpc import WorkerServiceStub
from worker.record import journal
from worker.record.rundir import RunDir


@pytest.fixture(scope="module")
def attach(shared):
    server, _, _ = shared
    with grpc.insecure_channel(server.worker_address) as channel:
        yield lambda *requests: [answer.acknowledgement.sequence for answer in WorkerServiceStub(channel).Attach(iter(requests), timeout=60)]


@pytest.fixture(scope="module")
def folder(shared):
    _, client, job_id = shared
    return RunDir(client.get(job_id).run_dir)


@pytest.fixture(scope="module")
def hello(folder):
    plan = folder.read_plan()
    return AttachRequest(hello=Hello(job_id=plan.job_id, attempt=plan.attempt, token=plan.token))


@pytest.fixture(scope="module")
def reports(folder):
    return list(journal.read(folder.journal))


def batch(reports):
    return AttachRequest(reports=ReportBatch(reports=reports))


def test_hello_is_answered_by_what_is_stored_already(attach, hello, reports):
    assert attach(hello) == [len(reports)]


def test_the_store_holds_the_journal(shared, reports):
    """Every report came over the wire, in order, and none is missing."""
    _, client, job_id = shared
    shown = [message for message in client.messages(job_id) if message.WhichOneof("event") not in ("transition", "ended", "bookmark")]
    wanted = [report for report in reports if not report.HasField("ended")]
    assert [getattr(message, message.WhichOneof("event")) for message in shown] == [
        getattr(report, report.WhichOneof("event")) for report in wanted]


def test_reports_that_come_again_are_acknowledged_and_change_nothing(shared, attach, hello, reports):
    _, client, job_id = shared
    before = client.get(job_id), list(client.watch(job_id))
    assert attach(hello, batch(reports), batch(reports[2:4])) == [len(reports)] * 3
    assert (client.get(job_id), list(client.watch(job_id))) == before


def test_an_empty_batch_is_nothing(attach, hello, reports):
    assert attach(hello, batch([])) == [len(reports)] * 2


def test_an_empty_report_does_not_end_the_coordinator(shared, attach, hello, reports):
    """A program that is no rank of ours: whatever it is told, others are served."""
    server, client, job_id = shared
    answer = attach(hello, batch([Report(sequence=1)]))
    assert answer == [len(reports)] * 2 and client.get(job_id).id == job_id


def test_the_plan_that_proves_who_the_ranks_are_is_their_owners_alone(folder):
    assert folder.plan.stat().st_mode & 0o777 == 0o600
