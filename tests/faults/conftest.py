"""Runs that are disturbed: their ranks are killed or stopped while they train."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from bptrain.v1.report_pb2 import AttemptEnded, Report
from coordinator.launchers import mpirun
from worker.record.journal import read

TIMEOUT_S = 120
ENDLESS = 100_000  # epochs


class Run:
    """A run in a folder, seen through its journal; `command` starts it."""

    def __init__(self, command: Sequence[object], folder: Path):
        self.folder, self.journal, self.log = folder, folder / "journal", folder.with_suffix(".log")
        environment = mpirun.environment() | {"TMPDIR": tempfile.mkdtemp(dir=folder.parent)}  # see coordinator/launchers/scratch.py
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, cwd=folder.parent, env=environment)

    def reports(self) -> list[Report]:
        return list(read(self.journal))

    def steps(self) -> int:
        """Steps in the journal."""
        return max((report.points.steps[-1] + 1 for report in self.reports() if report.points.columns and
                    report.points.columns[0].series == "loss"), default=0)

    def pids(self) -> list[int]:
        """Of the ranks that train now, in rank order."""
        crews = [getattr(report, kind).ranks for report in self.reports() if (kind := report.WhichOneof("event")) in ("started", "crew")]
        return [rank.pid for rank in crews[-1]] if crews else []

    def wait_until(self, condition: Callable[[], object]) -> None:
        until = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < until, self.told()
            assert self.process.poll() is None, self.told()
            time.sleep(0.01)

    def told(self) -> str:
        """The end of what it printed."""
        return self.log.read_text()[-2000:]

    def end_rank(self, rank: int, number: int = signal.SIGKILL) -> None:
        self.kill(self.pids()[rank], number)

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        os.kill(pid, number)

    def commits(self) -> list[tuple[int, float]]:
        """(step, when it was committed), in order."""
        return [(step, when) for report in self.reports() if report.points.columns and report.points.columns[0].series == "loss"
                for step, when in zip(report.points.steps, report.points.times)]

    def end(self) -> AttemptEnded:
        """Waits for all of it; the end record."""
        try:
            self.process.wait(TIMEOUT_S)
        finally:
            if self.process.poll() is None:
                for pid in self.pids():
                    subprocess.run(["kill", "-9", str(pid)], check=False, capture_output=True)
                self.process.kill()
        last = self.reports()[-1]
        assert last.HasField("ended"), self.told()
        return last.ended

    def stop(self) -> AttemptEnded:
        """Ctrl-C at one rank; the end record. For jobs without an end, which outlast whatever happens to them on
        however fast a machine."""
        os.kill(self.pids()[0], signal.SIGINT)
        return self.end()

    def curve(self) -> dict[tuple[str, int], float]:
        """(series, step) → value. Raises AssertionError where a step stands twice."""
        found: dict[tuple[str, int], float] = {}
        for report in self.reports():
            for column in report.points.columns:
                for step, value in zip(report.points.steps, column.values):
                    assert (column.series, step) not in found, (column.series, step)
                    found[column.series, step] = value
        return found


def written(path: Path, spec: Mapping[str, object], **replaced: object) -> Path:
    """A job file."""
    path.write_text(yaml.safe_dump({**spec, **replaced}))
    return path


def by_hand(job: Path, ranks: int, folder: Path, more: Sequence[str] = ()) -> list[object]:
    """A hand-typed mpirun."""
    program = mpirun.program()
    return [program, *mpirun.options(mpirun.version(program)), "-n", ranks, sys.executable, "-m", "worker", job, "--run-dir", folder, *more]


@pytest.fixture(scope="module")
def run_alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[str, dict[tuple[str, int], float]]]:
    """`run_alone(job)`: digest and curve of one rank that nobody touches."""

    def run(job: Path, more: Sequence[str] = ()) -> tuple[str, dict[tuple[str, int], float]]:
        folder = tmp_path_factory.mktemp("alone") / "run"
        alone = Run(by_hand(job, 1, folder, more), folder)
        return alone.end().digest, alone.curve()

    return run


@pytest.fixture(scope="module")
def is_as_if_undisturbed(tmp_path_factory: pytest.TempPathFactory, run_alone: Callable) -> Callable[[Path, Sequence[Run]], None]:
    """`is_as_if_undisturbed(job, runs)`: asserts that each run that was stopped, brought to the end of its epoch by one rank,
    has the digest, and every point once, of one rank that nobody touches."""

    def check(job: Path, runs: Sequence[Run]) -> None:
        spec = yaml.safe_load(job.read_text())
        steps_per_epoch = next(report.started.steps_per_epoch for report in runs[0].reports() if report.HasField("started"))
        epochs = max(-(-run.steps() // steps_per_epoch) for run in runs)  # rounded up
        path = written(tmp_path_factory.mktemp("undisturbed") / "job.yaml", spec, epochs=epochs)
        whole = run_alone(path)
        for run in runs:
            again = Run(by_hand(path, 1, run.folder, ["--resume"]), run.folder)
            assert (again.end().digest, again.curve()) == whole, run.told()

    return check


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[list[Run]]:
    """Ended when the test is over, whatever became of them."""
    found: list[Run] = []
    yield found
    for run in found:
        if run.process.poll() is None:
            run.process.kill()


@pytest.fixture
def start(tmp_path: Path, runs: list[Run]) -> Callable[..., Run]:
    """`start(job, ranks)`: under a hand-typed mpirun, in a folder of its own unless one is given."""

    def begin(job: Path, ranks: int, folder: Path | None = None, more: Sequence[str] = ()) -> Run:
        folder = folder or tmp_path / f"run{len(runs)}"
        runs.append(Run(by_hand(job, ranks, folder, more), folder))
        return runs[-1]

    return begin


@pytest.fixture
def supervised(tmp_path: Path, runs: list[Run]) -> Callable[..., Run]:
    """`supervised(job, ranks)`: by `bptrain run` of this or another Python's environment."""

    def begin(job: Path, ranks: int, python: str = sys.executable) -> Run:
        folder = tmp_path / f"run{len(runs)}"
        runs.append(Run([Path(python).with_name("bptrain"), "run", job, "--ranks", ranks, "--run-dir", folder], folder))
        return runs[-1]

    return begin


@pytest.fixture
def across(hosts, tmp_path: Path, runs: list[Run]) -> Iterator[Callable[..., Run]]:
    """`across(job, on=1)`: by `bptrain run --hosts`, typed on a host; `job` may be a run's folder. The hosts are whole and
    empty afterwards."""

    def begin(job: Path, on: int = 1) -> Run:
        folder, more = (job, ["--resume"]) if job.is_dir() else (tmp_path / "run", ["--run-dir", tmp_path / "run"])
        # The shell there splits the words, as behind ssh.
        words = "'--mca btl_tcp_if_include eth0 --mca mpi_yield_when_idle true'"
        command = [Path(sys.executable).with_name("bptrain"), "run", job, *more, "--hosts", hosts.hostfile, "--agent", hosts.agent,
                   "--mpirun-option", words]
        runs.append(Run(hosts.command(on, *command), folder))
        return runs[-1]

    yield begin
    hosts.renew()
