"""What the coordinator's tests share: a small job, a real coordinator over a loopback socket, and reports as rank 0 writes them."""

import sqlite3
import time
from contextlib import closing, contextmanager, suppress

import numpy as np
import psutil
import pytest
from sklearn.datasets import load_digits

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted, CheckpointWritten, Column, Points, RankInfo, Report
from coordinator.app import Settings
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.ports import LOOPBACK, Listen
from coordinator.store import jobs
from coordinator.store.schema import migrate
from worker.jobs import jobfile


@pytest.fixture(scope="session")
def data_root(tmp_path_factory):
    """Handwritten digits as archives, so that no rank has to load scikit-learn."""
    root = tmp_path_factory.mktemp("data")
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    np.savez(root / "train.npz", x=x[:512], y=y[:512])
    np.savez(root / "test.npz", x=x[512:640], y=y[512:640])
    return root


@pytest.fixture(scope="session")
def small():
    """`small(epochs=3, …)`: a job of 8 steps an epoch as plain data, with some keys replaced."""

    def make(**replaced):
        data = {"train": {"npz": {"path": "train.npz"}}, "eval": {"npz": {"path": "test.npz"}}}
        layers = ["flatten", {"linear": {"units": 10}}]
        return {"name": "small", "data": data, "model": {"input": [8, 8, 1], "layers": layers}, "loss": "softmax_cross_entropy",
                "metrics": ["accuracy"], "optimizer": {"adam": {"learning_rate": 0.01}}, "batch_size": 64, "epochs": 2,
                "seed": 7, "ranks": 2, "recovery": {"keep_s": 1}} | replaced

    return make


@pytest.fixture(scope="session")
def endless(small):
    """`endless(ranks=1, …)`: the same without an end. A step takes a millisecond or so: whoever stops it does not find
    a million points."""
    layers = ["flatten", {"linear": {"units": 2048}}, "relu", {"linear": {"units": 10}}]
    return lambda **replaced: small(**{"epochs": 1_000_000, "model": {"input": [8, 8, 1], "layers": layers}} | replaced)


@pytest.fixture(scope="session")
def letters(small, data_root):
    """The same of a model that learns to write `abcabc…`."""
    (data_root / "abc.txt").write_text("abc" * 600)
    data = {"train": {"text": {"path": "abc.txt", "task": "next", "length": 8, "split": "all"}}}
    model = {"inputs": {"text": {"shape": [8], "integer": True, "field": "x"}}, "layers": [{"embedding": {"vocabulary": 7, "units": 8}}, {"linear": {"units": 7}}]}
    return small(name="letters", data=data, model=model, optimizer={"adam": {"learning_rate": 0.05}}, batch_size=16, epochs=10, ranks=1)


@pytest.fixture(scope="session")
def small_spec(small):
    """The same as a JobSpec."""
    return lambda **replaced: jobfile.parse(small(**replaced))[0]


@pytest.fixture(scope="session")
def serving(tmp_path_factory, data_root):
    """`with serving(slots=2) as (server, client)`: a coordinator of one's own; every job of it has ended afterwards."""

    @contextmanager
    def serve(slots=2, listen=Listen(LOOPBACK, 0, 0), **more):
        settings, before = Settings(tmp_path_factory.mktemp("state"), data_root, slots, **more), children()
        with embedded(settings, listen) as server, Client(server.address) as client:
            yield server, client
            for job in list(client.list()):
                with suppress(Refusal):  # it has ended
                    client.cancel(job.id)
            wait_until(lambda: all(job.state in states.FINAL for job in client.list()) and children() <= before)

    return serve


@pytest.fixture(scope="session")
def authorities(tmp_path_factory):
    """(folder, folder): what `bptrain init-certs` makes, twice, by authorities that do not know each other."""
    pytest.importorskip("cryptography", reason="needs pip install 'bptrain[certs]'")
    from coordinator import certificates

    folders = [tmp_path_factory.mktemp(name) for name in ("ours", "theirs")]
    for folder in folders:
        certificates.write(folder, ["trainer.example"], days=1)
    return folders


def children():
    """Process ids; ended ones too, until the coordinator has taken note."""
    return {process.pid for process in psutil.Process().children()}


def wait_until(condition, deadline_s=60):
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="session")
def shared(serving, small):
    """(server, client, id of a job that has succeeded), for tests that only read."""
    before = children()
    with serving() as (server, client):
        job = client.submit(small(checkpoint={"every_steps": 3, "keep": 9}))
        list(client.messages(job.id))
        wait_until(lambda: children() <= before)
        yield server, client, job.id


@pytest.fixture
def connection():
    """An empty store in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.row_factory = sqlite3.Row
        migrate(opened)
        yield opened


@pytest.fixture(scope="session")
def add_job(small_spec):
    """`add_job(connection, state)`: the id of a new stored job in that state."""

    def add(connection, state=states.QUEUED, owner="", **replaced):
        spec, job_id = small_spec(**replaced), jobs.new_id()
        jobs.add(connection, job_id, spec, f"runs/{job_id}", owner)
        jobs.set_state(connection, job_id, state, "")
        return job_id

    return add


class Script:
    """Reports as rank 0 writes them, numbered from 1: `Script().started().points(range(5)).ended().reports`."""

    def __init__(self):
        self.reports = []

    def _add(self, **event):
        self.reports.append(Report(sequence=len(self.reports) + 1, attempt=1, time=1e9 + len(self.reports), **event))
        return self

    def started(self, first_step=0, total_steps=10, steps_per_epoch=5, batch_size=4, hosts=("a", "a")):
        ranks = [RankInfo(host=host, pid=1000 + i) for i, host in enumerate(hosts)]
        return self._add(started=AttemptStarted(first_step=first_step, total_steps=total_steps, steps_per_epoch=steps_per_epoch,
                                                batch_size=batch_size, ranks=ranks))

    def points(self, steps, series="loss", step_s=0.1, value=lambda step: 1 / (step + 1)):
        """Step k at second k · step_s."""
        steps = list(steps)
        columns = [Column(series=series, values=map(value, steps))]
        return self._add(points=Points(steps=steps, times=[1e9 + step * step_s for step in steps], columns=columns))

    def checkpoint(self, step):
        return self._add(checkpoint=CheckpointWritten(step=step, size_bytes=100, stall_s=0.01))

    def ended(self, outcome=AttemptEnded.OUTCOME_COMPLETED, cause="completed", step=10, digest="d1"):
        return self._add(ended=AttemptEnded(outcome=outcome, cause=cause, step=step, digest=digest))


@pytest.fixture
def script():
    return Script()
