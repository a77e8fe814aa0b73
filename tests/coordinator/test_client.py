"""What a user's program imports: light, quick to say what is wrong, and nothing of a job is lost on the way."""

import asyncio
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from coordinator.aio import AsyncClient
from coordinator.client import Client, Notice, Point
from coordinator.endpoint import DEFAULT_ADDRESS
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.launchers import tags
from worker.errors import Unavailable
from worker.jobs import jobfile

FOREIGN = """
import sys
from coordinator import Client
server = ("coordinator.server", "coordinator.app", "coordinator.services", "coordinator.store", "coordinator.runs", "coordinator.launchers",
          "coordinator.views", "coordinator.cli", "coordinator.terminal", "sqlite3", "mpi4py", "rich", "click", "psutil")
print([name for name in server if name in sys.modules])
"""


def test_the_command_is_there_before_grpc_is():
    """Ctrl-C has from the first moment somebody who takes it without a traceback."""
    code = "import sys; from coordinator.cli import main; print([name for name in ('grpc', 'numpy', 'google') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


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


class Line:
    """To a port of this machine; while it `loses`, what the other end says goes nowhere."""

    def __init__(self, port):
        self.loses, self._port, self._ends = False, port, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        self.loses = False
        for end in [*self._ends]:
            with suppress(OSError):  # closed by itself
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self):
        with suppress(OSError):  # closed before
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._ends += near, far
                for way in ((near, far, lambda: False), (far, near, lambda: self.loses)):
                    threading.Thread(target=self._carry, args=way, daemon=True).start()

    @staticmethod
    def _carry(source, target, loses):
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if not loses():
                    target.sendall(data)


@pytest.fixture
def line(shared):
    with closing(Line(int(shared[0].address.rpartition(":")[2]))) as made:
        yield made


def blocking(address, spec):
    with Client(address) as client:
        list(client.list())  # the line stands
        yield
        yield client.submit(spec).id


def awaiting(address, spec):
    loop, client = asyncio.new_event_loop(), None

    async def first():
        made = AsyncClient(address)
        assert [job async for job in made.list()]
        return made

    async def then():
        async with client:
            return (await client.submit(spec)).id

    with closing(loop):
        client = loop.run_until_complete(first())
        yield
        yield loop.run_until_complete(then())


def come(look):
    """What there is to see, once there is something."""
    until = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("kind", [blocking, awaiting], ids=["Client", "AsyncClient"])
def test_a_submit_whose_answer_is_lost_is_made_again_and_makes_one_job(shared, small, line, kind):
    _, direct, _ = shared
    before = {job.id for job in direct.list()}
    steps = kind(line.address, small(ranks=1, epochs=1))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(next, steps).result()
        line.loses = True
        answer = pool.submit(next, steps)
        made = come(lambda: {job.id for job in direct.list()} - before)
        line.cut()
        assert {answer.result(60)} == made
        assert pool.submit(list, steps).result() == []
    direct.wait(*made)
    assert {job.id for job in direct.list()} - before == made


def test_a_line_that_stays_broken_is_said_in_the_end(shared, line, monkeypatch):
    monkeypatch.setattr("coordinator.answers.LINE_S", 0.5)
    with Client(line.address) as client, ThreadPoolExecutor(1) as pool:
        list(client.list())
        line.loses = True
        answer = pool.submit(client.wait, shared[2], ["running"])
        time.sleep(0.2)  # it is on its way
        line.close()
        with pytest.raises(Unavailable, match=f"^no coordinator answers at {line.address}"):
            answer.result(60)
