"""Checkpoints are written while the training goes on: one at a time, and a disk that fails does not end it."""

import subprocess
import sys
import threading
from contextlib import closing

import numpy as np
import pytest

from bpcore.arena import Layout, Owner
from bpcore.optimization.update import Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.spec import Spec
from bptrain.v1.report_pb2 import AttemptEnded
from bptrain.v1.spec_pb2 import JobSpec
from worker.jobs import specs
from worker.node.replica import Buffer
from worker.record import checkpoint, journal
from worker.record.journal import Journal
from worker.record.reporter import Reporter
from worker.record.saver import Saver

LAYOUT = Layout([Owner("a", {"weight": (3, 5)})])
UPDATER = Updater(Spec(None, (), OPTIMIZERS.build("adam")), LAYOUT)


class Beats:
    count = 0

    def waits(self): ...
    def goes_on(self):
        self.count += 1


@pytest.fixture
def watch():
    return Beats()


@pytest.fixture
def saver(tmp_path):
    """`saver(every_steps=1, …)`: rank 0's, with its journal in the test's folder."""

    with closing(Journal(tmp_path / "journal")) as opened:
        yield lambda **rule: Saver(tmp_path / "checkpoints", JobSpec(checkpoint={"every_s": 1000, "keep": 2} | rule), Reporter(opened, 1))


@pytest.fixture
def disk(monkeypatch):
    """A disk that is slow until `free` is set, and fails with what is put in `errors`."""

    class Disk:
        free, errors, busy, most = threading.Event(), [], 0, 0

    real = checkpoint.write

    def write(*arguments):
        Disk.busy += 1
        Disk.most = max(Disk.most, Disk.busy)
        Disk.free.wait(30)
        Disk.busy -= 1
        if Disk.errors:
            raise Disk.errors.pop(0)
        return real(*arguments)

    monkeypatch.setattr(checkpoint, "write", write)
    return Disk


class State:
    """Of a replica, what a checkpoint is made of."""

    used = (7, 99)

    def __init__(self, steps):
        self.steps, self.current = steps, buffer(steps)


def buffer(value):
    made = Buffer.zeros(LAYOUT, UPDATER)
    for vector in made.vectors().values():
        vector.nodes[0]["weight"][...] = value
    return made


def reports(tmp_path, kind):
    return [getattr(report, kind) for report in journal.read(tmp_path / "journal") if report.HasField(kind)]


def test_what_is_written_is_what_it_was_when_the_training_went_on(saver, disk, watch, tmp_path):
    mine, made = saver(), State(4)
    mine.save(made, [], 5, watch)
    made.current.parameters.flat[...] = 2  # the training goes on
    disk.free.set()
    assert mine.finish(watch) == ""
    loaded = buffer(0)
    assert checkpoint.load_newest(tmp_path / "checkpoints", loaded, specs.fingerprint(JobSpec())).used == State.used
    assert (loaded.parameters.nodes[0]["weight"] == 4).all()


def test_what_is_due_by_time_is_put_off_while_one_is_written(saver, disk, watch):
    mine = saver(every_s=1e-9)
    assert mine.is_due(0)
    mine.save(State(1), [], 5, watch)
    assert not mine.is_due(1)
    disk.free.set()
    mine.finish(watch)
    assert mine.is_due(2)


def test_what_is_due_by_steps_waits_for_its_turn(saver, disk, watch, tmp_path):
    mine = saver(every_steps=1)
    for step in (1, 2, 3):
        assert mine.is_due(step - 1)
        threading.Timer(0.05, disk.free.set).start()
        mine.save(State(step), [], 5, watch)
    mine.finish(watch)
    assert disk.most == 1
    written = reports(tmp_path, "checkpoint")
    assert [report.step for report in written] == [1, 2, 3]
    assert written[1].stall_s > 0.02 and all(report.write_s > 0 for report in written)


def test_a_rank_that_waits_for_the_disk_is_not_late(saver, disk, watch):
    mine = saver()
    mine.save(State(1), [], 5, watch)
    threading.Timer(1.2, disk.free.set).start()
    mine.finish(watch)
    assert watch.count >= 2


def test_a_disk_that_fails_is_said_once_and_the_next_one_tries_again(saver, disk, watch, tmp_path, capsys):
    mine = saver()
    disk.free.set()
    disk.errors[:] = [OSError(28, "No space left on device")] * 2
    failures = []
    for step in (1, 2, 3):
        mine.save(State(step), [], 5, watch)
        failures.append(mine.finish(watch))
    assert failures == ["No space left on device"] * 2 + [""]
    assert [(report.step, report.cause) for report in reports(tmp_path, "checkpoint_failed")] == [(1, "No space left on device")]
    assert [report.step for report in reports(tmp_path, "checkpoint")] == [3]
    assert capsys.readouterr().out == ("the checkpoint of step 1 could not be written: No space left on device; "
                                       "the training goes on, the next one tries again\n")


@pytest.mark.parametrize(("losses", "best"), [([], -1), ([1.0], 0), ([2.0, 1.0, 1.5], 1), ([1.0, 1.0], 0), ([np.nan, 3.0], 1)])
def test_the_best_is_the_first_with_the_lowest_held_out_loss(losses, best):
    assert checkpoint.best(losses) == best


def test_the_best_is_kept_beside_the_newest(saver, disk, watch, tmp_path):
    mine, losses = saver(keep=2, keep_best=True), []
    disk.free.set()
    for epoch, loss in enumerate([3.0, 1.0, 2.0, 2.5, 1.5], start=1):
        losses.append(loss)
        assert mine.is_best(losses) == (epoch <= 2)
        mine.save(State(5 * epoch), losses, 5, watch)
    mine.finish(watch)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["step-00000010", "step-00000020", "step-00000025"]


def test_a_run_writes_its_best_when_it_is_found(worker, tiny_file, tmp_path):
    """A learning rate that is too high: the held-out loss rises again."""
    job = tiny_file(epochs=4, optimizer={"adam": {"learning_rate": 0.5}}, checkpoint={"keep": 1, "keep_best": True})
    assert worker(job, "--run-dir", "run").returncode == 0
    found = {step: value for report in journal.read(tmp_path / "run" / "journal") for column in report.points.columns
             if column.series == "eval_loss" for step, value in zip(report.points.steps, column.values)}
    best = min(found, key=found.get) + 1
    assert {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()} == {f"step-{best:08d}", "step-00000020"}


def test_a_full_disk_at_the_end_fails_the_run_and_says_why(script, tiny_file, tmp_path):
    full = script("import runpy\nfrom worker.record import arrays\ndef write(path, arrays):\n    raise OSError(28, 'No space left on device')\n"
                  "arrays.write = write\nrunpy.run_module('worker', run_name='__main__')\n")
    command = [sys.executable, full, tiny_file(checkpoint={"every_steps": 3}), "--run-dir", "run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    ended = list(journal.read(tmp_path / "run" / "journal"))[-1].ended
    assert (done.returncode, ended.outcome, ended.step) == (1, AttemptEnded.OUTCOME_FAILED, 10)
    assert ended.cause == "the last checkpoint could not be written: No space left on device"
    assert done.stdout.count("could not be written: No space left on device; the training goes on") == 1
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []
