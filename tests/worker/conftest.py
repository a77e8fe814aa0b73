"""What the worker's tests share: a job over eight numbers a sample that trains in milliseconds, and real processes."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest
import yaml

from bpcore.errors import InvalidInput
from bptrain.v1.report_pb2 import Report
from bptrain.v1.worker_service_pb2 import Acknowledgement, AttachResponse
from bptrain.v1.worker_service_pb2_grpc import WorkerServiceServicer, add_WorkerServiceServicer_to_server
from worker.jobs import checks, jobfile
from worker.jobs.job import Job
from worker.record import journal


@pytest.fixture
def npz(tmp_path: Path) -> Callable[..., str]:
    """`npz("train.npz", samples=50)`: a file of 4 features and 3 classes in the test's folder; its name."""

    def write(name: str = "train.npz", samples: int = 50, **arrays: np.ndarray) -> str:
        draw = np.random.default_rng(samples)
        x = draw.normal(size=(samples, 4)).astype(np.float32)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        usual = {"x": x, "y": draw.integers(0, 3, samples)} if not arrays or arrays.keys() & {"x", "y"} else {}
        np.savez(tmp_path / name, **usual | arrays)
        return name

    return write


@pytest.fixture
def tiny(npz: Callable[..., str]) -> Callable[..., dict]:
    """`tiny(epochs=1, …)`: a job on 50 and 20 such samples as plain data, with some keys replaced."""

    def make(**replaced: object) -> dict:
        plain = {
            "name": "tiny", "loss": "softmax_cross_entropy", "metrics": ["accuracy"], "optimizer": {"adam": {"learning_rate": 0.01}},
            "data": {"train": {"npz": {"path": npz()}}, "eval": {"npz": {"path": npz("test.npz", 20)}}},
            "model": {"input": [4], "layers": [{"linear": {"units": 8}}, "tanh", {"dropout": {"rate": 0.2}}, {"linear": {"units": 3}}]},
            "batch_size": 12, "epochs": 2, "seed": 3, "ranks": 1, "logical_shards": 4,
            "recovery": {"keep_s": 1}}
        kept = plain | replaced
        return {key: value for key, value in kept.items() if value is not None}

    return make


@pytest.fixture
def tiny_file(tmp_path: Path, tiny: Callable[..., dict]) -> Callable[..., Path]:
    """The same as `tiny.yaml` in the test's folder."""

    def write(**replaced: object) -> Path:
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny(**replaced)))
        return tmp_path / "tiny.yaml"

    return write


@pytest.fixture
def checked(tmp_path: Path, tiny: Callable[..., dict]) -> Callable[..., Job]:
    """The same, parsed and checked."""

    def check(**replaced: object) -> Job:
        spec, problems = jobfile.parse(tiny(**replaced))
        return checks.check(spec, tmp_path, problems)

    return check


@pytest.fixture
def refused() -> Callable[[Callable[[], object]], list[str]]:
    """`refused(call)`: every problem of the InvalidInput that the call raises, as users read it."""

    def problems(call: Callable[[], object]) -> list[str]:
        with pytest.raises(InvalidInput) as error:
            call()
        return [str(problem) for problem in error.value.problems]

    return problems


@pytest.fixture
def worker(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """`worker("job.yaml", …)` runs `python -m worker` as a world of one in the test's folder."""

    def run(*arguments: object, timeout_s: float = 60) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "worker", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=timeout_s)

    return run


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """`script(text)`: a Python file in the test's folder, for `mpirun` or a process of its own."""

    def write(text: str) -> Path:
        (tmp_path / "script.py").write_text(text)
        return tmp_path / "script.py"

    return write


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    """Runs a call beside the test; whatever process is left of it at the end is killed."""
    before = set(psutil.Process().children(recursive=True))
    with ThreadPoolExecutor(1) as pool:
        yield pool
        for process in set(psutil.Process().children(recursive=True)) - before:
            process.kill()


@pytest.fixture
def until() -> Callable[..., object]:
    """`until(condition)`: its first true value. Fails when there is none in time."""

    def wait(condition: Callable[[], object], timeout_s: float = 30, every_s: float = 0.01) -> object:
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(every_s)
        return value

    return wait


@pytest.fixture
def training(until: Callable[..., object]) -> Callable[[Path], list[Report]]:
    """`training(folder)` waits until the run in `folder` has computed some steps; its reports so far."""

    def reports(folder: Path) -> list[Report]:
        found = list(journal.read(folder / "journal"))
        return found if any(report.HasField("points") for report in found) else []

    return lambda folder: until(lambda: reports(folder))


class Coordinator(WorkerServiceServicer):
    """The other end of the link: keeps every hello and every report, sends `command`, refuses when asked to."""

    def __init__(self):
        self.hellos, self.stored, self.resent, self.command, self.refuse = [], [], 0, None, False

    def Attach(self, requests, context):
        self.hellos.append(next(requests).hello)
        if self.refuse:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "another attempt has taken over")
        yield self.acknowledge()
        if self.command:
            yield AttachResponse(command=self.command)
        for request in requests:
            for report in request.reports.reports:
                self.resent += report.sequence <= len(self.stored)
                self.stored.append(report)
            yield self.acknowledge()

    def acknowledge(self):
        return AttachResponse(acknowledgement=Acknowledgement(sequence=len(self.stored)))

    @property
    def sequences(self):
        return [report.sequence for report in self.stored]


@pytest.fixture
def coordinator() -> Coordinator:
    return Coordinator()


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[int, Callable[[], None]]]]:
    """`serve(coordinator, port=0)` starts a real server; (its port, a call that stops it at once)."""
    with ExitStack() as stack:
        def start(coordinator: Coordinator, port: int = 0) -> tuple[int, Callable[[], None]]:
            server = grpc.server(ThreadPoolExecutor(4))
            add_WorkerServiceServicer_to_server(coordinator, server)
            bound = server.add_insecure_port(f"127.0.0.1:{port}")
            server.start()

            def stop() -> None:
                server.stop(grace=None).wait()

            stack.callback(stop)
            return bound, stop

        yield start
