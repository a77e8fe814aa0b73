"""How much the coordinator takes, beside a gRPC server that does nothing: `python tests/bench/load.py` writes load.md.

The coordinator is `bptrain serve` in a process of its own, with 100,000 ended jobs in its store; those who call it are in
processes of their own, too. The empty server is measured in turn with it, so that what else runs on the machine is in both
figures: read the ratio first.
"""

import argparse
import datetime
import multiprocessing
import os
import platform
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import load_callers
import psutil

from bptrain.v1.artifact_service_pb2 import GetArtifactRequest
from bptrain.v1.job_service_pb2 import GetJobRequest, ListJobsRequest, SubmitJobRequest
from bptrain.v1.metric_service_pb2 import QueryMetricsRequest
from bptrain.v1.report_pb2 import Column, Points, Report
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.client import Client
from coordinator.jobs import states
from coordinator.launchers import scratch
from coordinator.store import jobs, lifecycle, points
from worker.jobs import jobfile, specs

HERE = Path(__file__).parent
BPTRAIN = Path(sys.executable).with_name("bptrain")
GET, LIST, QUERY, EMPTY = "/bptrain.v1.JobService/GetJob", "/bptrain.v1.JobService/ListJobs", "/bptrain.v1.MetricService/QueryMetrics", "/empty/Unary"
JOB = {"name": "load", "data": {"train": {"synthetic": {"task": "yes_no", "samples": 1000}}}, "model": {"input": [8], "layers": [
    {"linear": {"units": 8}}, "relu", {"linear": {"units": 1}}]}, "loss": "sigmoid_cross_entropy", "optimizer": "sgd", "batch_size": 10, "epochs": 10**6, "seed": 1,
       "recovery": {"deadline_s": 3600}}  # it is to stand still, and not to be started again for that
SUBMIT, DOWNLOAD = "/bptrain.v1.JobService/SubmitJob", "/bptrain.v1.ArtifactService/GetArtifact"
FEW_AT_ONCE, MANY_AT_ONCE = 16, 256
BESIDE_S = 100  # calls a second that others make meanwhile
TOO_LARGE = SUBMIT, bytes((4 << 20) + 1)

Row = tuple[str, str, str, str, str]


class Place:
    """A coordinator under load. `job`: one that the store says is running, whose rank 0 we play."""

    def __init__(self, folder: Path, stored: int):
        self.state, self.spec = folder / "state", specs.with_defaults(jobfile.parse(JOB)[0])
        ports = [free_port(), free_port()]
        self.address, self.worker_address = (f"127.0.0.1:{port}" for port in ports)
        self._command = [BPTRAIN, "serve", "--port", ports[0], "--worker-port", ports[1], "--slots", 1, "--no-standby", "--state", self.state,
                         "--data-root", folder, "--max-queued", 10**7, "--max-streams", 10**4]
        with self._serving():  # makes the tables
            pass
        with self.store() as connection:
            fill(connection, self.spec, stored)

    @contextmanager
    def serving(self) -> Iterator["Place"]:
        with self._serving(), self._slot_taken():
            yield self

    @contextmanager
    def _serving(self) -> Iterator[None]:
        with subprocess.Popen(list(map(str, self._command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as self.process:
            try:
                self.process.stdout.readline()  # it listens
                yield
            finally:
                self.process.send_signal(signal.SIGTERM)
                self.process.wait()
                self._end_ranks()

    def _end_ranks(self) -> None:
        """Jobs outlive their coordinator, also one that got the slot at the last moment."""
        launchers = [process for process in psutil.process_iter(["cmdline", "name"]) if process.info["name"].startswith(("mpi", "prte"))
                     and any(str(self.state) in argument for argument in process.info["cmdline"] or ())]
        for launcher in launchers:
            with suppress(psutil.NoSuchProcess):
                launcher.terminate()
        psutil.wait_procs(launchers)
        for run_dir in (self.state / "runs").glob("*"):
            scratch.remove(run_dir)

    @contextmanager
    def _slot_taken(self) -> Iterator[None]:
        """By a job whose rank stands still, so that all others wait and nothing but the coordinator works."""
        with Client(self.address) as client:
            job = client.submit(JOB)
            while client.get(job.id).state != states.RUNNING:
                time.sleep(0.1)
            ranks = [process for process in psutil.process_iter(["cmdline"]) if "worker" in (process.info["cmdline"] or ()) and
                     any(job.id in argument for argument in process.info["cmdline"]) and "mpirun" not in process.name()]
            for rank in ranks:
                rank.suspend()
            try:
                yield
            finally:
                for rank in ranks:
                    rank.resume()
                client.cancel(job.id)
                while client.get(job.id).state not in states.FINAL:
                    time.sleep(0.1)

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the coordinator's store."""
        with closing(sqlite3.connect(self.state / "store.db", timeout=60, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def running(self) -> tuple[str, str]:
        """(id, token) of a new job that waits for its ranks to report."""
        with self.store() as connection:
            job_id = add(connection, self.spec, states.STARTING)
            return job_id, jobs.get(connection, job_id)["token"]

    def with_curve(self, count: int) -> str:
        """The id of a job whose loss has so many points."""
        with self.store() as connection:
            job_id = add(connection, self.spec, states.SUCCEEDED)
            for first in range(0, count, 1 << 16):
                steps = range(first, min(first + (1 << 16), count))
                column = Column(series="loss", values=[step * 7919 % 10007 / (1 + step) for step in steps])
                points.take(connection, job_id, [Report(points=Points(steps=steps, times=map(float, steps), columns=[column]))])
            return job_id


def add(connection: sqlite3.Connection, spec: JobSpec, state: int) -> str:
    job_id = jobs.new_id()
    jobs.add(connection, job_id, spec, "none")
    lifecycle.submitted(connection, job_id)
    jobs.set_state(connection, job_id, state, "for the load test")
    return job_id


def fill(connection: sqlite3.Connection, spec: JobSpec, count: int) -> None:
    for _ in range(count):
        add(connection, spec, states.SUCCEEDED)


def hostile_requests(good: bytes) -> list[tuple[str, bytes]]:
    """(method, bytes): 1,000 spoiled messages, 60 paths out of their folders and what is too large, in an order by chance, by
    somebody with a token that is none."""
    outside = jobfile.parse(JOB | {"data": {"train": {"npz": {"path": "../../etc/passwd"}}}})[0]
    spoiled = [(GET, bad) for bad in (b"\xff\xff\xff", good[:3], good + b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xff\xfe")]
    paths = [(SUBMIT, SubmitJobRequest(spec=outside, validate_only=True).SerializeToString()),
             (DOWNLOAD, GetArtifactRequest(job_id="../..", name="../../etc/passwd").SerializeToString())]
    found = spoiled * 250 + paths * 30
    random.Random(1).shuffle(found)
    return [TOO_LARGE, *found]


def large_requests(good: bytes) -> list[tuple[str, bytes]]:
    """One in five too large, beside endless names, calls that are none, and what is no gRPC."""
    return [TOO_LARGE, (SUBMIT, SubmitJobRequest(spec=JobSpec(name="x" * 60_000)).SerializeToString()), (GET, good[:3]),
            ("/bptrain.v1.JobService/EraseEverything", b""), ("", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")]


@contextmanager
def empty_server() -> Iterator[str]:
    """Its address."""
    command = [sys.executable, str(HERE / "load_empty.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


class Load:
    """The measures. `seconds`: of each turn; `turns`: a figure is their median. `watchers`, `points`: how many."""

    def __init__(self, place: Place, empty: str, pool: ProcessPoolExecutor, chosen: argparse.Namespace):
        self._place, self._empty, self._pool = place, empty, pool
        self._seconds, self._turns, self._watchers, self._points = chosen.seconds, chosen.turns, chosen.watchers, chosen.points

    def rows(self) -> Iterator[Row]:
        yield from self.submits()
        yield from self.gets()
        yield from self.hostile()
        yield from self.lists()
        yield from self.series()
        yield from self.intake()
        yield from self.watchers()

    def submits(self) -> Iterator[Row]:
        spec = jobfile.parse(JOB)[0].SerializeToString()
        ours, empty = self._beside(lambda: self._call(load_callers.submits, self._place.address, spec, self._seconds, MANY_AT_ONCE), MANY_AT_ONCE)
        yield _rate("submits acknowledged and on disk, of 256 at once", ours, empty, "≥ 500/s")

    def gets(self) -> Iterator[Row]:
        job_id, _ = self._place.running()
        request = GetJobRequest(id=job_id).SerializeToString()
        ours, empty = self._beside(lambda: self._call(load_callers.rates, self._place.address, GET, request, self._seconds, FEW_AT_ONCE), FEW_AT_ONCE)
        yield _rate("GetJob, 16 at once", ours, empty, "≥ 2,000/s")
        yield _times("GetJob, 16 at once, 99 of 100 calls within", ours["p99_ms"], empty["p99_ms"], "< 15 ms")

    def hostile(self) -> Iterator[Row]:
        """The others' calls, beside as many honest ones and hostile ones: the machine has to be shared with either."""
        job_id, _ = self._place.running()
        request = GetJobRequest(id=job_id).SerializeToString()
        traffic = {"alone": [], "honest": [(GET, request)], "hostile": hostile_requests(request), "large": large_requests(request)}
        found: dict[str, list[float]] = {name: [] for name in traffic}
        for _ in range(self._turns):
            for name, requests in traffic.items():
                others = self._pool.submit(load_callers.beside, self._place.address, requests, BESIDE_S, self._seconds) if requests else None
                found[name].append(self._call(load_callers.rates, self._place.address, GET, request, self._seconds, 4)["p99_ms"])
                others and others.result()
        alone, honest, hostile, large = (median(each) for each in found.values())
        what = "GetJob, 4 at once, 99 of 100 calls within, beside"
        yield (f"{what} {BESIDE_S}/s hostile ones (beside as many honest ones {honest:.1f} ms, alone {alone:.1f} ms)",
               f"{hostile:.1f} ms", "", f"{hostile / honest:.1f} of honest", "unchanged")
        yield f"{what} {BESIDE_S}/s of which one in five has 4 MiB", f"{large:.1f} ms", "", f"{large / honest:.1f} of honest", ""

    def lists(self) -> Iterator[Row]:
        request = ListJobsRequest().SerializeToString()
        ours, empty = self._beside(lambda: self._call(load_callers.rates, self._place.address, LIST, request, self._seconds, 1), 1)
        yield _times("first page of the jobs, median", ours["p50_ms"], empty["p50_ms"], "< 50 ms")

    def series(self) -> Iterator[Row]:
        request = QueryMetricsRequest(job_ids=[self._place.with_curve(self._points)], series=["loss"], max_points=1000).SerializeToString()
        ours, empty = self._beside(lambda: self._call(load_callers.rates, self._place.address, QUERY, request, self._seconds, 1), 1)
        yield _times(f"a series of {self._points:,} points, thinned to 1,000, median", ours["p50_ms"], empty["p50_ms"], "< 200 ms")

    def intake(self) -> Iterator[Row]:
        found = [self._call(load_callers.report, self._place.worker_address, *self._place.running(), self._seconds, 250, 0.0)["points_s"]
                 for _ in range(self._turns)]
        yield "points taken in and on disk, from one job", f"{median(found):,.0f}/s", "", "", "≥ 50,000/s"

    def watchers(self) -> Iterator[Row]:
        """The callers share the machine with the server, so both figures have the callers' own delay in them."""
        count, parts = self._watchers, 2
        job_id, token = self._place.running()
        seconds = 4 * self._seconds
        rank = self._pool.submit(load_callers.report, self._place.worker_address, job_id, token, seconds + 5, 1, 0.5)
        ours = self._crowd(self._place.address, job_id, count, parts, seconds)
        rank.result()
        empty = self._crowd(self._empty, "", count, parts, seconds)
        per_s = ours["messages"] / count / (seconds / 2)
        yield f"{count:,} watchers at {per_s:.1f} messages/s each, 99 of 100 points there within", *_times("", ours["p99_ms"], empty["p99_ms"], "< 250 ms")[1:]

    def _crowd(self, address: str, job_id: str, count: int, parts: int, seconds: float) -> dict[str, float]:
        asked = [self._pool.submit(load_callers.watch, address, job_id, count // parts, seconds) for _ in range(parts)]
        found = [part.result() for part in asked]
        return {"messages": sum(part["messages"] for part in found), "p99_ms": max(part["p99_ms"] for part in found)}

    def _beside(self, ours: Callable[[], dict[str, float]], at_once: int) -> tuple[dict[str, float], dict[str, float]]:
        """Medians over turns, of what is measured and of the empty handler."""
        pairs = [(ours(), self._call(load_callers.rates, self._empty, EMPTY, b"", self._seconds, at_once)) for _ in range(self._turns)]
        mine, others = zip(*pairs)
        return tuple({key: median(each[key] for each in found) for key in found[0]} for found in (mine, others))

    def _call(self, work: Callable[..., dict[str, float]], *arguments: object) -> dict[str, float]:
        return self._pool.submit(work, *arguments).result()


def _rate(what: str, ours: dict[str, float], empty: dict[str, float], asked: str) -> Row:
    return what, f"{ours['calls_s']:,.0f}/s", f"{empty['calls_s']:,.0f}/s", f"{ours['calls_s'] / empty['calls_s']:.2f}", asked


def _times(what: str, ours_ms: float, empty_ms: float, asked: str) -> Row:
    return what, f"{ours_ms:.1f} ms", f"{empty_ms:.1f} ms", f"{ours_ms / empty_ms:.1f}", asked


def table(rows: list[Row]) -> Iterator[str]:
    yield "| what | seen | empty handler | ratio | asked |"
    yield "|---|---:|---:|---:|---:|"
    yield from ("| " + " | ".join(row) + " |" for row in rows)


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}, Linux, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--stored", type=int, default=100_000, help="jobs in the store")
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--points", type=int, default=10**7, help="of the long series")
    parser.add_argument("--only", choices=["submits", "gets", "hostile", "lists", "series", "intake", "watchers"], help="print this one and write nothing")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        place = Place(Path(stack.enter_context(TemporaryDirectory())), chosen.stored)
        pool = stack.enter_context(ProcessPoolExecutor(4, multiprocessing.get_context("spawn")))
        stack.enter_context(place.serving())
        load = Load(place, stack.enter_context(empty_server()), pool, chosen)
        began = os.getloadavg()[0]
        rows = list(getattr(load, chosen.only or "rows")())
    text = "\n".join([f"{machine()}, {datetime.date.today()}, load {began:.1f} before\n", *table(rows)])
    print(text)
    if not chosen.only:
        head = "# The coordinator under load\n\n`python tests/bench/load.py`; what is measured, and beside what, stands in its head.\n\n"
        (HERE / "load.md").write_text(head + text + "\n")


if __name__ == "__main__":
    main()
