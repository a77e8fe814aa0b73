"""What bptrain is: N ranks train what one rank trains, bit for bit, stopped and resumed or not.

A job fixes how each batch is cut into shards. Who computes which shard is an execution detail, so the
number of ranks changes neither the parameters nor any point of the curve. Everything here is real: the
data, mpirun, the processes, the signals.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bptrain.v1.report_pb2 import AttemptEnded
from worker.record import journal


@dataclass(frozen=True)
class Record:
    """What a run leaves: one row a point of the curve, (step, series → bits), and how each attempt ended."""

    rows: list[tuple[int, dict[str, str]]]
    ends: list[AttemptEnded]

    @property
    def steps(self) -> list[int]:
        """The steps trained, in the order of their rows."""
        return [step for step, values in self.rows if "loss" in values]


def read(folder: Path) -> Record:
    reports = list(journal.read(folder / "journal"))
    rows = [(step, {column.series: column.values[i].hex() for column in report.points.columns})
            for report in reports for i, step in enumerate(report.points.steps)]
    return Record(rows, [report.ended for report in reports if report.HasField("ended")])


@pytest.fixture
def train(tmp_path: Path, mpirun: Callable[..., subprocess.CompletedProcess]) -> Callable[..., Record]:
    """`train(job, ranks)`: the record of a run on that many ranks; 0 means without mpirun."""

    def run(job: Path, ranks: int, *more: str, folder: str | None = None) -> Record:
        folder = folder or f"ranks-{ranks}"
        arguments = ["-m", "worker", job, "--run-dir", folder, *more]
        if ranks:
            done = mpirun(ranks, *arguments)
        else:
            done = subprocess.run([sys.executable, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return read(tmp_path / folder)

    return run


def dense(tmp_path: Path, samples: int) -> dict:
    """Keys that replace the digits by this many samples of 6 numbers and a model for them."""
    draw = np.random.default_rng(samples)
    np.savez(tmp_path / "data.npz", x=draw.normal(size=(samples, 6)), y=draw.integers(0, 4, samples))
    layers = [{"linear": {"units": 16}}, "relu", {"dropout": {"rate": 0.5}}, {"linear": {"units": 4}}]
    return {"data": {"train": {"npz": {"path": "data.npz"}}, "eval": {"npz": {"path": "data.npz"}}},
            "model": {"input": [6], "layers": layers}, "ranks": 1}


def test_any_number_of_ranks_gives_the_same_bits(train, job_file):
    job = job_file(logical_shards=4)
    alone = train(job, 0)
    assert alone.steps == list(range(46))  # 1437 digits in batches of 64, twice
    assert len(alone.rows) == 46 + 2  # and an evaluation after each epoch
    for ranks in (1, 2, 3, 4):
        assert train(job, ranks) == alone, f"{ranks} ranks"


def test_the_curve_is_one_of_learning(train, job_file):
    """Equal bits of a training that does nothing would prove little."""
    record = train(job_file(epochs=5, optimizer={"adam": {"learning_rate": 0.01}}), 0)
    first, *_, last = [float.fromhex(values["eval_accuracy"]) for _, values in record.rows if "eval_accuracy" in values]
    assert first < last and last > 0.75  # of 360 unseen digits; guessing gets 0.1


@pytest.mark.parametrize(("samples", "batch_size", "shards", "ranks"), [
    pytest.param(96, 24, 6, 4, id="more shards on some ranks than on others"),
    pytest.param(50, 12, 6, 4, id="a last batch of 2 samples for 6 shards"),
    pytest.param(7, 5, 5, 3, id="fewer samples in the last batch than ranks"),
    pytest.param(30, 64, 3, 2, id="a batch larger than the data"),
])
def test_uneven_shares_change_no_bit(train, job_file, tmp_path, samples, batch_size, shards, ranks):
    job = job_file(**dense(tmp_path, samples), batch_size=batch_size, logical_shards=shards, epochs=3)
    assert train(job, ranks) == train(job, 0)


def test_another_seed_or_other_shards_give_other_bits(train, job_file, tmp_path):
    """So that the equalities above say something."""
    changes = {"same": {}, "seed": {"seed": 8}, "shards": {"logical_shards": 3}}
    records = [train(job_file(**dense(tmp_path, 50) | change), 0, folder=name) for name, change in changes.items()]
    assert len({record.ends[0].digest for record in records}) == 3


@pytest.mark.parametrize(("before", "after"), [pytest.param(3, 2, marks=pytest.mark.slow), (1, 3)])
def test_a_stopped_run_goes_on_with_the_same_bits_on_other_ranks(train, job_file, tmp_path, before, after):
    job = job_file(**dense(tmp_path, 500), batch_size=24, logical_shards=4, epochs=25)
    with ThreadPoolExecutor(1) as beside:
        stopping = beside.submit(train, job, before, folder="stopped")
        terminate(tmp_path / "stopped")
        stopped = stopping.result()
    assert stopped.ends[0].outcome == AttemptEnded.OUTCOME_STOPPED
    assert 0 < stopped.ends[0].step < 25 * 21
    resumed, undisturbed = train(job, after, "--resume", folder="stopped"), train(job, 0)
    assert resumed.rows == undisturbed.rows
    assert resumed.ends[1] == undisturbed.ends[0]


def terminate(folder: Path) -> None:
    """SIGTERM to every rank of the run in `folder`, once it has computed some steps."""
    deadline = time.monotonic() + 60
    while not read(folder).rows:
        assert time.monotonic() < deadline, "no step was computed"
        time.sleep(0.01)
    for rank in next(journal.read(folder / "journal")).started.ranks:
        os.kill(rank.pid, signal.SIGTERM)
