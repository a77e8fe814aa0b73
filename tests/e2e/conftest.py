"""What end-to-end tests share: `bptrain` as users start it, a coordinator that can be killed, and a look at what is left."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from random import SystemRandom

import numpy as np
import psutil
import pytest
import yaml
from sklearn.datasets import load_digits

from coordinator.client import Client
from coordinator.jobs import states
from coordinator.launchers import scratch
from worker.errors import Unavailable

BPTRAIN = Path(sys.executable).with_name("bptrain")
DEADLINE_S = 120
SYSTEM = SystemRandom()  # Hypothesis seeds the others alike in all processes
ARCHIVES = {"train": {"npz": {"path": "train.npz"}}, "eval": {"npz": {"path": "test.npz"}}}
SMALL = {"name": "small", "data": ARCHIVES, "model": {"input": [8, 8, 1], "layers": ["flatten", {"linear": {"units": 10}}]},
         "loss": "softmax_cross_entropy", "metrics": ["accuracy"], "optimizer": {"adam": {"learning_rate": 0.01}},
         "batch_size": 64, "epochs": 2, "seed": 7, "ranks": 2, "logical_shards": 4, "recovery": {"keep_s": 5}}
# A step takes some milliseconds: time enough to do something to a job of a thousand.
SLOW = {"data": {"train": ARCHIVES["train"]}, "epochs": 100_000, "model": {"input": [8, 8, 1], "layers": [
    "flatten", {"linear": {"units": 2048}}, "relu", {"dropout": {"rate": 0.1}}, {"linear": {"units": 10}}]}}


def wait_until(condition, deadline_s=DEADLINE_S):
    """What `condition` answers, once it is true."""
    deadline = time.monotonic() + deadline_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited {deadline_s} s"
        time.sleep(0.05)
    return answer


def processes(folder):
    """All that are alive and have something in this folder on their command line."""
    found = [process for process in psutil.process_iter(["cmdline", "status"]) if process.info["status"] != psutil.STATUS_ZOMBIE]
    return [process for process in found if any(str(folder) in argument for argument in process.info["cmdline"] or [])]


class Workplace:
    """A folder with data, and programs that are started in it."""

    program, small, slow = BPTRAIN, SMALL, SLOW

    def __init__(self, folder):
        self.folder, self.address = folder, ""
        self.memory, self.killed = Path(tempfile.mkdtemp(dir=os.environ[scratch.BACKING])), False
        (folder / "tmp").mkdir()
        x, y = load_digits(return_X_y=True)
        x = (x / 16).astype(np.float32).reshape(-1, 8, 8, 1)
        np.savez(folder / "train.npz", x=x[:512], y=y[:512])
        np.savez(folder / "test.npz", x=x[512:640], y=y[512:640])

    def job(self, **replaced):
        """A new job file: 8 steps an epoch, with some keys replaced."""
        path = self.folder / f"job-{len(list(self.folder.glob('job-*')))}.yaml"
        path.write_text(yaml.safe_dump(SMALL | replaced))
        return path

    def environment(self):
        environment = {key: value for key, value in os.environ.items() if key != "BPTRAIN_COORDINATOR"}
        environment |= {"TMPDIR": str(self.folder / "tmp"), scratch.BACKING: str(self.memory)}
        return environment | ({"BPTRAIN_COORDINATOR": self.address} if self.address else {})

    def popen(self, *arguments, **options):
        options = {"env": self.environment(), "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
        return subprocess.Popen([str(argument) for argument in arguments], cwd=self.folder, text=True, **options)

    def run(self, *arguments, **options):
        with self.popen(*arguments, **options) as process:
            try:
                output, error = process.communicate(timeout=DEADLINE_S)
            finally:
                process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, output, error)

    def bptrain(self, *arguments, **options):
        return self.run(BPTRAIN, *arguments, **options)

    def worker(self, *arguments):
        """A world of one, without mpirun."""
        return self.run(sys.executable, "-m", "worker", *arguments)

    def ranks(self, folder):
        """(mpirun, [rank, …]) of the run in this folder."""
        found = [(process.name(), process) for process in processes(folder)]
        return (next((process for name, process in found if name.startswith(("mpirun", "prte"))), None),
                [process for name, process in found if name.startswith("python")])

    def kill(self, process):
        """kill -9 to a process of a run; what nobody tidies up then is removed after the test."""
        self.killed = True
        process.kill()

    def close(self):
        left = processes(self.folder)
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=DEADLINE_S)
        kept = os.listdir(self.memory)
        shutil.rmtree(self.memory)
        assert left or self.killed or kept == [], kept


class Coordinator(Workplace):
    """`bptrain serve` as a process of its own, on ports and a folder that it finds again when it is started again."""

    def __init__(self, folder, slots=2):
        super().__init__(folder)
        self.ports, self.slots, self.process = (free_port(), free_port()), slots, None
        self.state, self.log = folder / "state", folder / "serve.log"
        self.start()

    def start(self):
        self.address, said = "", self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "a") as log:
            self.process = self.popen(BPTRAIN, "serve", "--port", self.ports[0], "--worker-port", self.ports[1], "--slots", self.slots,
                                      "--state", self.state, "--data-root", self.folder, stdout=log, stderr=log)
        wait_until(lambda: "coordinator at" in self.log.read_text()[said:] or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        self.address = f"127.0.0.1:{self.ports[0]}"
        self.client = Client(self.address)
        wait_until(self._answers)

    def _answers(self):
        """A client in a program that has seen the coordinator go away does not try again at once."""
        with suppress(Unavailable):
            return [*self.client.list(), True]

    def end(self, number=signal.SIGTERM):
        """Its exit status after this signal."""
        self.client.close()
        self.killed |= number == signal.SIGKILL
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def submit(self, **replaced):
        return self.client.submit(self.job(**replaced))

    def wait(self, job, *names):
        """The job, once it is in one of these states."""
        return wait_until(lambda: next((found for found in [self.client.get(job.id)] if states.label(found.state) in names), None))

    def running(self, **replaced):
        """A new slow job that has done some steps."""
        job = self.submit(**SLOW | replaced)
        wait_until(lambda: self.client.get(job.id).progress.step > 20)
        return self.client.get(job.id)

    def close(self):
        if self.process.poll() is None:
            self.end()
        super().close()


def free_port():
    """One that the system does not hand out by itself: nobody takes it while a coordinator is away."""
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", SYSTEM.randrange(10_000, 32_000))) as listener:
            return listener.getsockname()[1]


@pytest.fixture(name="wait_until", scope="session")
def waiting():
    return wait_until


@pytest.fixture(name="processes", scope="session")
def looking():
    return processes


@pytest.fixture
def workplace(tmp_path):
    with closing(Workplace(tmp_path)) as opened:
        yield opened


@pytest.fixture(scope="session")
def coordinators():
    """`coordinators(folder, slots=5)`: one more."""
    return Coordinator


@pytest.fixture
def coordinator(tmp_path):
    with closing(Coordinator(tmp_path)) as opened:
        yield opened


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """A coordinator for all tests of a file."""
    with closing(Coordinator(tmp_path_factory.mktemp("standing"))) as opened:
        yield opened
