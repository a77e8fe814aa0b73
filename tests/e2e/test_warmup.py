"""bptrain warmup: what is compiled ahead is not compiled again, by whoever and however many at once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from bpcore import kernels
from coordinator.cli.warmup import command
from worker.errors import Unavailable
from worker.record.journal import read

BPTRAIN = Path(sys.executable).with_name("bptrain")
JOB = {"name": "bent", "data": {"train": {"synthetic": {"task": "yes_no", "samples": 16}}}, "model": {"input": [8], "layers": [
    {"linear": {"units": 4}}, "silu", {"linear": {"units": 1}}]}, "loss": "mse", "optimizer": "adam", "batch_size": 8, "epochs": 1}
KERNELS = {"silu._ahead", "silu._back", "sums.columns", "product.multiply", "program.run", "descent.plain adam.Adam.direction"}


@pytest.fixture
def place(tmp_path):
    """A folder with a job, and programs that keep what they compile in it."""
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(JOB))

    def start(*command):
        return subprocess.Popen([*map(str, command)], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")})

    return start


def said(process):
    output, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (0, "")
    return output.splitlines()


def kept(folder):
    return sorted((path.name, path.stat().st_mtime_ns) for path in (folder / "kept").rglob("*.nb*"))


def test_each_kernel_is_named_and_the_second_call_finds_them(place, tmp_path):
    *lines, last = said(place(BPTRAIN, "warmup", "job.yaml"))
    assert [line.split()[0] for line in lines] == [f"{number}/6" for number in range(1, 7)] and all(line.endswith(" s") for line in lines)
    assert {line[5:].rpartition("  ")[0].strip() for line in lines} == KERNELS
    assert last.startswith("6 of 6 kernels compiled in ")
    before, began = kept(tmp_path), time.monotonic()
    assert said(place(BPTRAIN, "warmup", "job.yaml")) == ["all 6 kernels are there"]
    assert time.monotonic() - began < 10 and kept(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_job_compiles_nothing_behind_it(place, tmp_path, ranks):
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(JOB | {"ranks": ranks}))
    said(place(BPTRAIN, "warmup", "job.yaml"))
    before = kept(tmp_path)
    assert not any("compiling" in line for line in said(place(BPTRAIN, "run", "job.yaml")))
    assert kept(tmp_path) == before


@pytest.mark.slow
def test_a_job_that_compiles_says_so_before_each_kernel(place, tmp_path):
    lines = said(place(BPTRAIN, "run", "job.yaml", "--ranks", "1"))  # of several, one may be ahead and compile what the first then finds
    waits = [report.compiling for report in read(tmp_path / "runs" / "bent" / "journal") if report.HasField("compiling")]
    assert [wait.done for wait in waits] == [*range(6)]
    assert {wait.kernel for wait in waits} == KERNELS
    assert [line for line in lines if "compiling" in line] == [
        f"compiling kernel {wait.done + 1}, {wait.kernel}: once, this machine does not have it yet" for wait in waits]


@pytest.mark.slow
def test_several_may_run_at_once(place, tmp_path):
    processes = [place(BPTRAIN, "warmup", "job.yaml") for _ in range(3)]
    for process in processes:
        said(process)
    assert len(kept(tmp_path)) == 12, "an index and its code for each kernel"


@pytest.mark.slow
def test_what_is_missing_alone_is_compiled(place, tmp_path):
    said(place(BPTRAIN, "warmup", "job.yaml"))
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(JOB | {"optimizer": "adagrad"}))
    *lines, last = said(place(BPTRAIN, "warmup", "job.yaml", "other.yaml"))
    assert [line.split()[:3] for line in lines] == [["1/1", "descent.plain", "adagrad.Adagrad.direction"]]
    assert last.startswith("1 of 7 kernels compiled")


def test_where_nothing_can_be_kept_it_says_so(tmp_path, place, monkeypatch):
    monkeypatch.setattr(kernels.compiled.Kernel, "_cache", lambda self: None)
    with pytest.raises(Unavailable, match="cannot be kept"):
        command.callback(jobs=(tmp_path / "job.yaml",), data_root=".")


def test_a_job_with_mistakes_is_refused(tmp_path, place):
    (tmp_path / "job.yaml").write_text("sed: 3\n")
    process = place(BPTRAIN, "warmup", "job.yaml")
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2 and 'unknown key "sed"' in error
