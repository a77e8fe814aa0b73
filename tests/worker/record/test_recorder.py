"""Rank 0's side of the record: checkpoints when they are due, and the journal's way to the coordinator."""

import pytest

from bptrain.v1.report_pb2 import AttemptEnded
from bptrain.v1.worker_service_pb2 import Command, Stop
from worker import plan
from worker.jobs import jobfile, specs
from worker.record import journal
from worker.record.silent import Silent
from worker.record.rundir import RunDir


def reports(folder):
    return list(journal.read(folder / "journal"))


@pytest.mark.parametrize(("rule", "steps"), [
    ({}, [10]), ({"every_steps": 4}, [4, 8, 10]), ({"every_steps": 5}, [5, 10, 10]),
], ids=str)
def test_checkpoints_are_written_when_due_and_at_the_end(worker, tiny_file, tmp_path, rule, steps):
    assert worker(tiny_file(checkpoint=rule), "--run-dir", "run").returncode == 0
    assert [report.checkpoint.step for report in reports(tmp_path / "run") if report.HasField("checkpoint")] == steps


@pytest.mark.parametrize(("keep", "left"), [(None, ["step-00000008", "step-00000010"]), (1, ["step-00000010"])])
def test_as_many_are_kept_as_the_job_says(worker, tiny_file, tmp_path, keep, left):
    worker(tiny_file(checkpoint={"every_steps": 4, "keep": keep}), "--run-dir", "run")
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == left


def test_a_checkpoint_report_says_its_size_on_disk(worker, tiny_file, tmp_path):
    worker(tiny_file(), "--run-dir", "run")
    (report,) = (report.checkpoint for report in reports(tmp_path / "run") if report.HasField("checkpoint"))
    folder = tmp_path / "run" / "checkpoints" / "step-00000010"
    assert report.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert report.stall_s > 0


def test_the_curve_holds_training_and_evaluation_of_every_epoch(worker, tiny_file, tmp_path):
    worker(tiny_file(), "--run-dir", "run")
    points = [(list(report.points.steps), [column.series for column in report.points.columns])
              for report in reports(tmp_path / "run") if report.HasField("points")]
    assert sum((steps for steps, series in points if series == ["loss", "accuracy"]), []) == list(range(10))
    assert [steps for steps, series in points if series == ["eval_loss", "eval_accuracy"]] == [[4], [9]]


def test_the_other_ranks_record_nothing():
    silent = Silent()
    assert (silent.known, silent.checkpoint_due(3)) == ((-1, -1, -1), False)
    for call in (silent.started, silent.crew_changed, silent.ended):
        assert call(None) is None
    for call in (silent.trained, silent.evaluated, silent.diagnosed):
        assert call(3, {"loss": 1.0}) is None
    silent.checkpoint(3, None, []), silent.close()


@pytest.fixture
def launched(tmp_path, tiny_file):
    """A run's folder as a launcher makes it: spec, and plan with its token."""

    def make(**replaced):
        spec = specs.with_defaults(jobfile.read(tiny_file(**replaced))[0])
        folder = RunDir(tmp_path / "run")
        folder.prepare(spec, resume=False)
        folder.write_plan(plan.even(spec, attempt=5, job_id="job-1", token="secret"))
        return folder.path

    return make


def test_a_launched_run_reports_everything_to_its_coordinator(coordinator, serve, worker, launched):
    folder = launched()
    done = worker(folder, "--coordinator", f"127.0.0.1:{serve(coordinator)[0]}")
    assert done.returncode == 0, done.stderr
    assert coordinator.stored == reports(folder)
    assert {report.attempt for report in coordinator.stored} == {5}
    assert [(hello.job_id, hello.attempt, hello.token) for hello in coordinator.hellos] == [("job-1", 5, "secret")]


def test_a_stop_command_ends_the_run_with_its_cause(coordinator, serve, worker, launched):
    coordinator.command = Command(stop=Stop(cause="cancelled by alice"))
    folder = launched(epochs=1_000_000)
    done = worker(folder, "--coordinator", f"127.0.0.1:{serve(coordinator)[0]}")
    ended = coordinator.stored[-1].ended
    assert done.returncode == 0
    assert (ended.outcome, ended.cause) == (AttemptEnded.OUTCOME_STOPPED, "cancelled by alice")


def test_training_goes_on_while_the_coordinator_is_away(coordinator, serve, background, worker, launched, until):
    """It stops in the middle and comes back; nothing is missing."""
    folder = launched(epochs=600)
    port, stop = serve(coordinator)
    run = background.submit(worker, folder, "--coordinator", f"127.0.0.1:{port}")
    until(lambda: len(coordinator.stored) > 2)
    stop()
    serve(coordinator, port)
    assert run.result(timeout=60).returncode == 0
    assert [report.sequence for report in coordinator.stored] == list(range(1, len(reports(folder)) + 1))
    assert coordinator.stored == reports(folder)


def test_a_coordinator_that_refuses_does_not_hurt_the_training(coordinator, serve, worker, launched):
    coordinator.refuse = True
    folder = launched()
    done = worker(folder, "--coordinator", f"127.0.0.1:{serve(coordinator)[0]}")
    assert (done.returncode, coordinator.stored) == (0, [])
    assert reports(folder)[-1].ended.outcome == AttemptEnded.OUTCOME_COMPLETED


@pytest.mark.slow
def test_a_coordinator_that_is_not_there_does_not_hurt_the_training(coordinator, serve, worker, launched):
    port, stop = serve(coordinator)
    stop()
    folder = launched()
    assert worker(folder, "--coordinator", f"127.0.0.1:{port}").returncode == 0
    assert reports(folder)[-1].ended.outcome == AttemptEnded.OUTCOME_COMPLETED
