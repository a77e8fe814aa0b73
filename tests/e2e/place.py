"""A coordinator with tokens, and jobs in the states that the rows of test_error_table.py need; none of them has ranks."""

import sqlite3
import threading
from contextlib import closing
from time import sleep, time

import grpc
import numpy as np
import psutil
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass

from bptrain.v1 import worker_service_pb2 as workers
from coordinator.access import issue
from coordinator.access.rules import ADMIN, READ, SUBMIT
from coordinator.app import Settings
from coordinator.embedded import embedded
from coordinator.jobs import states
from coordinator.limits import Limits
from coordinator.store import jobs as rows
from coordinator.store import lifecycle
from worker.jobs import jobfile

JOB = {"name": "small", "data": {"train": {"npz": {"path": "train.npz"}}},
       "model": {"input": [4], "layers": [{"linear": {"units": 2}}]}, "loss": "softmax_cross_entropy",
       "optimizer": {"adam": {"learning_rate": 0.01}}, "batch_size": 8, "epochs": 1, "seed": 7}
SLOW = {"input": [4], "layers": [{"linear": {"units": units}} for units in (1024, 1024, 2)]}  # a few hundred steps a second
LIMITS = Limits(queued=5, streams=2, message_bytes=1 << 16, token_queued=2)
DAY_S = 86_400
SCOPES = {"chief": ADMIN, "reader": READ, "submitter": SUBMIT, "other": SUBMIT, "third": SUBMIT, "late": READ, "gone": READ}
JOBS = {"waits": (states.QUEUED, 3), "runs": (states.RUNNING, 2), "grows": (states.RUNNING, 1), "done": (states.SUCCEEDED, 2)}


class Place:
    """`tokens`: by name; `jobs`: name → id."""

    def __init__(self, stack, folder):
        x = np.random.default_rng(1).standard_normal((64, 4)).astype(np.float32)
        np.savez(folder / "train.npz", x=x, y=np.arange(64) % 2)
        self.folder, self._state = folder, folder / "state"
        self.server = stack.enter_context(embedded(Settings(self._state, folder, slots=2, require_token=True, limits=LIMITS)))
        self.tokens = {name: self.console(issue.create_at_console, name, scope, DAY_S) for name, scope in SCOPES.items()}
        self.console(lambda connection: connection.execute("UPDATE tokens SET expires = ? WHERE name = 'late'", [time() - 1]))
        self.console(issue.revoke, "gone")
        self.jobs = {name: self.console(stored, state, ranks) for name, (state, ranks) in JOBS.items()}
        self._channel, self._to_ranks = (stack.enter_context(grpc.insecure_channel(address)) for address in
                                         (self.server.address, self.server.worker_address))

    def fill_slot(self):
        """A job that trains until it is cancelled, so that all others wait."""
        self.jobs["busy"] = self.call("JobService", "SubmitJob", spec=spec(epochs=10**7, ranks=2, model=SLOW)).job.id
        self._wait("busy", [states.STARTING, states.RUNNING])

    def empty_slot(self):
        self.call("JobService", "CancelJob", id="busy", mode="CANCEL_MODE_NOW")
        for job in self.call("JobService", "ListJobs", filter="state = QUEUED").jobs:
            self.call("JobService", "CancelJob", id=job.id)
        self._wait("busy", states.FINAL)
        while any("mpirun" in process.name() or "prterun" in process.name() for process in psutil.Process().children()):
            sleep(0.05)  # it clears up

    def _wait(self, name, wanted):
        assert self.call("JobService", "WaitJob", id=name, states=wanted, timeout_s=60).job.state in wanted

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

    def call(self, service, method, who="chief", **fields):
        """The answer to a request of these fields, which may name a job as we do; of a stream, once the first has come.
        Raises grpc.RpcError."""
        found = descriptor_pool.Default().FindServiceByName(f"bptrain.v1.{service}").methods_by_name[method]
        fields = {key: self.jobs.get(value, value) if key in ("id", "job_id") else value for key, value in fields.items()}
        request = GetMessageClass(found.input_type)(**fields).SerializeToString()
        answer = self.send(service, method, request, who, found.server_streaming, GetMessageClass(found.output_type).FromString)
        return next(answer) and answer if found.server_streaming else answer

    def send(self, service, method, request, who="chief", streams=False, read=bytes):
        """The same for a request of these bytes."""
        opened = self._channel.unary_stream if streams else self._channel.unary_unary
        authorization = [("authorization", f"bearer {self.tokens.get(who, who)}")] if who else []
        call = opened(f"/bptrain.v1.{service}/{method}", response_deserializer=read)
        return call(request, metadata=authorization, timeout=60)

    def attach(self):
        """As a rank of a job that there is not."""
        called = self._to_ranks.stream_stream("/bptrain.v1.WorkerService/Attach", workers.AttachRequest.SerializeToString)
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
