"""What a user's program imports: light, quick to say what is wrong, and nothing of a job is lost on the way."""

import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from coordinator.client import Client, Notice, Point
from coordinator.endpoint import DEFAULT_ADDRESS
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.launchers import tags
from worker import jobfile
from worker.errors import Unavailable

FOREIGN = """
import sys
from coordinator import Client
server = ("coordinator.server", "coordinator.app", "coordinator.services", "coordinator.store", "coordinator.runs", "coordinator.launchers",
          "coordinator.views", "coordinator.cli", "coordinator.terminal", "sqlite3", "mpi4py", "rich", "click", "psutil")
print([name for name in server if name in sys.modules])
"""


def test_importing_the_client_loads_no_part_of_the_server():
    loaded = subprocess.run([sys.executable, "-c", FOREIGN], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout.strip() == "[]"


def test_two_names_are_offered():
    import coordinator

    assert coordinator.__all__ == ["AsyncClient", "Client"] and coordinator.Client is Client


@pytest.fixture
def nobody():
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    return address


@pytest.mark.parametrize("call", [
    lambda client: client.submit({"name": "x"}), lambda client: client.get("x"), lambda client: list(client.list()),
    lambda client: client.cancel("x"), lambda client: client.curve("x"), lambda client: list(client.watch("x")),
    lambda client: list(client.messages("x")), lambda client: list(client.logs("x", follow=True))],
    ids=["submit", "get", "list", "cancel", "curve", "watch", "messages", "logs"])
def test_a_coordinator_that_is_not_there_is_said_at_once(nobody, call, monkeypatch):
    """Without waiting: the patience of a stream is for lines that break."""
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"waited {seconds} s to try again"))
    with Client(nobody) as client, pytest.raises(Unavailable, match=f"^no coordinator answers at {nobody}; start one with: bptrain serve$"):
        call(client)


@pytest.mark.parametrize(("given", "variable", "address"), [
    ("10.0.0.1:1", "10.0.0.2:2", "10.0.0.1:1"), ("", "10.0.0.2:2", "10.0.0.2:2"), ("", None, DEFAULT_ADDRESS), ("", "", DEFAULT_ADDRESS)])
def test_the_address_is_the_one_given_or_that_of_the_environment_or_the_default(monkeypatch, given, variable, address):
    monkeypatch.delenv("BPTRAIN_COORDINATOR", raising=False)
    if variable is not None:
        monkeypatch.setenv("BPTRAIN_COORDINATOR", variable)
    with Client(given) as client:
        assert client.address == address


def test_a_job_may_be_handed_in_as_a_path_a_dict_or_a_message(shared, small, tmp_path):
    _, client, _ = shared
    path = tmp_path / "job.json"
    path.write_text(str(small()).replace("'", '"'))
    specs = [client.submit(job, validate_only=True).spec for job in (path, str(path), small(), jobfile.parse(small())[0])]
    assert all(spec == specs[0] for spec in specs) and specs[0].name == "small"


def test_a_checked_job_has_its_defaults_filled_in_and_is_not_stored(shared, small):
    _, client, _ = shared
    before = [stored.id for stored in client.list()]
    job = client.submit(small(), validate_only=True)
    assert (job.id, job.spec.logical_shards, job.spec.checkpoint.keep) == ("", 2, 2)
    assert [stored.id for stored in client.list()] == before


def test_a_watched_job_shows_each_step_once_and_its_end(shared):
    _, client, job_id = shared
    events = list(client.watch(job_id))
    steps = [event.step for event in events if isinstance(event, Point) and "loss" in event.values]
    assert steps == list(range(16))
    assert [event.kind for event in events if isinstance(event, Notice)][-1] == "ended"
    assert (events[-1].message.state, events[-1].message.digest) == (states.SUCCEEDED, client.get(job_id).digest)


def test_a_point_carries_every_series_of_its_step(shared):
    _, client, job_id = shared
    points = [event for event in client.watch(job_id) if isinstance(event, Point)]
    assert {tuple(point.values) for point in points} == {("loss", "accuracy"), ("eval_loss", "eval_accuracy")}
    assert [point.step for point in points if "eval_loss" in point.values] == [7, 15]
    assert [point.time for point in points] == sorted(point.time for point in points)


def test_the_curve_holds_what_was_watched(shared):
    _, client, job_id = shared
    watched = {event.step: event.values["loss"] for event in client.watch(job_id) if isinstance(event, Point) and "loss" in event.values}
    curve = client.curve(job_id)["loss"]
    assert dict(zip(curve.steps, curve.values)) == watched
    assert client.get(job_id).latest["loss"] == curve.values[-1]


def test_a_curve_may_be_thinned_and_chosen(shared):
    _, client, job_id = shared
    curves = client.curve(job_id, ["eval_loss", "loss"], max_points=5)
    assert sorted(curves) == ["eval_loss", "loss"]
    assert len(curves["loss"].steps) <= 5 and curves["loss"].total_points == 16


def test_the_log_is_what_the_ranks_printed(shared):
    _, client, job_id = shared
    lines = [line.text for line in client.logs(job_id)]
    assert lines == [tags.split(line).text for line in Path(client.get(job_id).run_dir, "log").read_text().splitlines()]
    assert any("completed at step 16" in line for line in lines) and list(client.logs(job_id, follow=True)) == list(client.logs(job_id))


@contextmanager
def held(server):
    """Another program has the store; gives it back when asked."""
    post, made = server._app.database.post, threading.Event()
    post(lambda connection: (connection.execute("PRAGMA busy_timeout = 10"), made.set()))
    assert made.wait(60)
    with closing(sqlite3.connect(server._settings.state / "store.db", isolation_level=None, timeout=60)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection.rollback
        finally:
            connection.rollback()
            post(lambda connection: connection.execute("PRAGMA busy_timeout = 10000"))


def test_a_call_is_made_again_when_the_coordinator_asks_for_that(shared, monkeypatch):
    server, client, job_id = shared
    waited = []
    with held(server) as give_back, monkeypatch.context() as patch:
        patch.setattr(time, "sleep", lambda seconds: (waited.append(seconds), give_back()))
        assert client.update(job_id, validate_only=True, priority=7).spec.priority == 7
    assert waited == [1.0]


def test_and_not_for_ever(shared, monkeypatch):
    server, client, job_id = shared
    waited = []
    with held(server), monkeypatch.context() as patch:
        patch.setattr(time, "sleep", waited.append)
        with pytest.raises(Refusal, match="^the coordinator's store is held by another program; try again in a moment$"):
            client.update(job_id, validate_only=True, priority=7)
    assert waited == [1.0, 1.0]
