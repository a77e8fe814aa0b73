"""A run's folder: one run in it, files that are whole, and a name that is free."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bptrain.v1.plan_pb2 import Assignment, RunPlan
from bptrain.v1.spec_pb2 import JobSpec
from worker.errors import Unavailable
from worker.jobs import jobfile
from worker.record import rundir
from worker.record.rundir import RunDir


@pytest.fixture
def runs(tmp_path):
    """`runs("a", "a-2")`: those folders in runs/."""

    def make(*names):
        for name in names:
            (tmp_path / "runs" / name).mkdir(parents=True)
        return tmp_path / "runs"

    return make


@pytest.mark.parametrize(("there", "chosen"), [
    ([], "a"), (["a"], "a-2"), (["a", "a-2"], "a-3"), (["a", "a-7"], "a-8"), (["a", "a-9", "a-10"], "a-11"),
    (["b", "ab", "a.b", "a-b", "a-2x"], "a"),
])
def test_a_new_run_gets_the_next_free_name(runs, there, chosen):
    assert rundir.choose("a", False, runs(*there)).name == chosen


@pytest.mark.parametrize(("there", "chosen"), [(["a"], "a"), (["a", "a-2"], "a-2"), (["a", "a-9", "a-10", "b", "a-b"], "a-10")])
def test_resuming_takes_the_newest(runs, there, chosen):
    assert rundir.choose("a", True, runs(*there)).name == chosen


def test_a_name_with_a_dot_is_no_pattern(runs):
    assert rundir.choose("a.b", False, runs("axb")).name == "a.b"


def test_resuming_what_is_not_there_names_it(runs):
    parent = runs("b")
    text = f'nothing to resume: there is no run of "a" in {parent}/; start one without --resume'
    with pytest.raises(Unavailable, match=re.escape(text)):
        rundir.choose("a", True, parent)


def test_the_usual_place_is_runs_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rundir.choose("a", False) == Path("runs/a")
    with pytest.raises(Unavailable, match=re.escape('there is no run of "a" in runs/;')):
        rundir.choose("a", True)


def test_creating_writes_the_spec_as_it_was_understood(tmp_path, tiny):
    spec, _ = jobfile.parse(tiny())
    folder = RunDir(tmp_path / "x" / "y")
    folder.prepare(spec, resume=False)
    assert jobfile.read(folder.job) == (spec, [])


def test_resuming_takes_note_of_what_may_change(tmp_path):
    folder = RunDir(tmp_path / "run")
    folder.prepare(JobSpec(name="first", epochs=1), resume=False)
    folder.prepare(JobSpec(name="first", epochs=2), resume=True)
    assert jobfile.read(folder.job)[0].epochs == 2


def test_resuming_another_job_leaves_the_first_spec(tmp_path):
    folder = RunDir(tmp_path / "run")
    folder.prepare(JobSpec(seed=1), resume=False)
    with pytest.raises(Unavailable, match="^cannot resume: the job differs from the run's in seed; to go on with it as it began, give the run's folder in place of"):
        folder.prepare(JobSpec(seed=2), resume=True)
    assert jobfile.read(folder.job)[0].seed == 1


def test_a_plan_comes_back_and_is_for_its_owner_alone(tmp_path):
    """It holds the token."""
    plan = RunPlan(job_id="j", attempt=2, token="secret", logical_shards=3, assignments=[Assignment(shards=[0, 2]), Assignment(shards=[1])])
    folder = RunDir(tmp_path)
    folder.write_plan(plan)
    assert folder.read_plan() == plan
    assert stat.S_IMODE(folder.plan.stat().st_mode) == 0o600


def test_a_new_run_needs_a_folder_without_one(tmp_path):
    folder = RunDir(tmp_path / "run")
    folder.prepare(JobSpec(), resume=False)
    folder.journal.touch()
    text = f"{tmp_path / 'run'} holds a run already; add --resume to go on with it, or choose another folder"
    with pytest.raises(Unavailable, match=re.escape(text)):
        folder.prepare(JobSpec(), resume=False)


def test_resuming_needs_a_folder_with_one(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(Unavailable, match=re.escape(f"nothing to resume: {tmp_path / 'run'} is not the folder of a run")):
        RunDir(tmp_path / "run").prepare(JobSpec(), resume=True)


HOLD = "from worker.record.rundir import RunDir; folder = RunDir('run'); folder.lock(); print('locked', flush=True); input()"


def test_a_folder_is_claimed_by_one_process_at_a_time(tmp_path):
    folder = RunDir(tmp_path / "run")
    folder.prepare(JobSpec(), resume=False)
    with subprocess.Popen([sys.executable, "-c", HOLD], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(Unavailable, match=re.escape(f"the run folder {tmp_path / 'run'} is in use by another run")):
            folder.lock()
        other.kill()
        other.wait()
        folder.lock()  # a dead process holds nothing


def test_a_file_is_written_whole_in_place_of_the_old_one(tmp_path):
    path = tmp_path / "file"
    for content in (b"old", b"new and longer", b""):
        rundir.write_whole(path, content)
        assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def named(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.json").write_text(json.dumps({"name": name}))


@pytest.mark.parametrize("inside", [".", "fold-1"], ids=["a run", "folds"])
def test_resuming_leaves_the_run_of_a_job_whose_name_ends_in_a_number(runs, inside):
    parent = runs()
    named(parent / "a", "a")
    named(parent / "a-2" / inside, "a-2")
    assert rundir.choose("a", True, parent).name == "a" and rundir.choose("a-2", True, parent).name == "a-2"
    assert rundir.choose("a", False, parent).name == "a-3"  # nothing of the other's is written over


def test_resuming_leaves_the_second_run_of_a_job_whose_name_is_the_beginning(runs):
    parent = runs("a", "a-2")
    named(parent / "a-2", "a")
    with pytest.raises(Unavailable, match='there is no run of "a-2"'):
        rundir.choose("a-2", True, parent)
