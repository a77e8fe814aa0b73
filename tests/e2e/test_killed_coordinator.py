"""kill -9 of the coordinator, twenty times at moments that chance chooses, while five jobs train, four clients watch and
others hand in jobs: nobody notices but the clock."""

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from signal import SIGKILL

import grpc
import pytest

from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from coordinator.client import Client, Point
from coordinator.errors import Refusal
from worker.jobs import jobfile

KILLS, JOBS, WATCHERS = 20, 5, 4
DEADLINE_S = 60
EPOCHS = 400
STEPS = 8 * EPOCHS


@pytest.fixture
def place(tmp_path, coordinators):
    with closing(coordinators(tmp_path, slots=JOBS)) as opened:
        yield opened


class Submitter(threading.Thread):
    """Hands in jobs, one after the other, each again and again with one request id until it is acknowledged."""

    def __init__(self, address, spec):
        super().__init__(daemon=True)
        self._address, self._spec = address, spec
        self.acknowledged = {}  # name → job id
        self.repeats, self.is_over = 0, threading.Event()

    def run(self):
        with grpc.insecure_channel(self._address) as line:
            submit = JobServiceStub(line).SubmitJob
            while not self.is_over.is_set():
                name = f"waits-{len(self.acknowledged)}"
                request = pb.SubmitJobRequest(spec=self._spec, request_id=str(uuid.uuid4()))
                request.spec.name = name
                while name not in self.acknowledged:
                    with suppress(grpc.RpcError):
                        self.acknowledged[name] = submit(request, timeout=DEADLINE_S).job.id
                        continue
                    self.repeats += 1
                    time.sleep(0.05)
                time.sleep(0.15)


def watched(address, job_id):
    """Steps of all points that one client sees, across all that breaks; the job's digest."""
    with Client(address, patience_s=DEADLINE_S) as client:
        events = list(client.watch(job_id))
        return [event.step for event in events if isinstance(event, Point)], events[-1].message.digest


@pytest.mark.slow
def test_a_coordinator_that_is_killed_twenty_times_loses_and_doubles_nothing(place):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, slow = random.Random(seed), place.slow | {"epochs": EPOCHS, "ranks": 1}
    alone = place.popen(place.program, "run", place.job(**slow), "--ranks", "1", "--run-dir", place.folder / "alone")
    jobs = [place.submit(**slow) for _ in range(JOBS)]
    submitter = Submitter(place.address, jobfile.parse(place.small | {"ranks": 1})[0])
    with ThreadPoolExecutor(WATCHERS) as pool:
        watching = [pool.submit(watched, place.address, job.id) for job in jobs[:WATCHERS]]
        submitter.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, 1.5))
            place.end(SIGKILL)
            place.start()
        submitter.is_over.set()
        submitter.join(DEADLINE_S)
        for job_id in reversed(submitter.acknowledged.values()):
            with suppress(Refusal):  # it had its turn already
                place.client.cancel(job_id)
        ended = [place.wait(job, "SUCCEEDED", "FAILED", "CANCELLED") for job in jobs]
        seen = [each.result(timeout=60) for each in watching]
    said, _ = alone.communicate(timeout=300)
    digest = said.rpartition("sha256:")[2].split()[0]
    assert [(job.cause, job.progress.step, job.digest.removeprefix("sha256:")) for job in ended] == [("completed", STEPS, digest)] * JOBS
    assert [steps == list(range(STEPS)) for steps, _ in seen] == [True] * WATCHERS
    assert submitter.acknowledged == {job.spec.name: job.id for job in place.client.list() if job.spec.name.startswith("waits-")}
    assert len(list(place.client.list())) == JOBS + len(submitter.acknowledged) and submitter.repeats > 0
