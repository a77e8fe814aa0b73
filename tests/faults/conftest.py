"""Runs that are disturbed: their ranks are killed or stopped while they train."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bptrain.v1.report_pb2 import AttemptEnded, Report
from coordinator.launchers import mpirun
from worker.journal import read

TIMEOUT_S = 120


class Run:
    """Ranks under a hand-typed mpirun, seen through their journal."""

    def __init__(self, job: Path, folder: Path, ranks: int):
        self.folder, self.journal = folder, folder / "journal"
        program = mpirun.program()
        command = [program, *mpirun.options(mpirun.version(program)), "-n", str(ranks), sys.executable, "-m", "worker", job,
                   "--run-dir", folder]
        self.log = folder.with_suffix(".log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, cwd=folder.parent, env=mpirun.environment())

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
            assert time.monotonic() < until, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.01)

    def signal(self, rank: int, number: int = signal.SIGKILL) -> None:
        os.kill(self.pids()[rank], number)

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
        assert last.HasField("ended"), self.log.read_text()
        return last.ended

    def curve(self) -> dict[tuple[str, int], float]:
        """(series, step) → value. Raises AssertionError where a step stands twice."""
        found: dict[tuple[str, int], float] = {}
        for report in self.reports():
            for column in report.points.columns:
                for step, value in zip(report.points.steps, column.values):
                    assert (column.series, step) not in found, (column.series, step)
                    found[column.series, step] = value
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """`start(job, ranks)`: a run in a folder of its own."""
    runs: list[Run] = []

    def begin(job: Path, ranks: int) -> Run:
        runs.append(Run(job, tmp_path / f"run{len(runs)}", ranks))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
