"""Starting from a trained model, ending early, and diagnosis: as a job file asks for them."""

from worker.record import journal


def run(worker, tiny_file, folder, **replaced):
    done = worker(tiny_file(**replaced), "--run-dir", folder)
    return done, list(journal.read(folder / "journal"))


def test_a_job_takes_over_what_fits_and_says_what_does_not(worker, tiny_file, tmp_path):
    run(worker, tiny_file, tmp_path / "first")
    (newest,) = sorted((tmp_path / "first" / "checkpoints").glob("step-*"))[-1:]
    path = str((newest / "parameters.safetensors").relative_to(tmp_path))
    done, reports = run(worker, tiny_file, tmp_path / "second", start={"path": path})
    assert done.returncode == 0, done.stderr
    transfer = reports[0].started.transfer
    assert transfer.matched and not transfer.missing and not transfer.unused
    assert f"start: {len(transfer.matched)} parameter(s) taken over; fresh: none; unused: none" in done.stdout


def test_a_start_that_is_not_there_is_refused(worker, tiny_file, tmp_path):
    done = worker(tiny_file(start={"path": "none.safetensors"}), "--run-dir", "run")
    assert (done.returncode, done.stderr) == (
        2, 'bptrain: start.path: expected a file inside the data root, got "none.safetensors"; there is none of that name\n')


def test_a_job_without_progress_ends_early(worker, tiny_file, tmp_path):
    """A learning rate of 0 never improves on the first evaluation."""
    done, reports = run(worker, tiny_file, tmp_path / "run", epochs=50, early_stopping={"patience": 2}, optimizer={"sgd": {"learning_rate": 0}})
    assert done.returncode == 0
    assert reports[-1].ended.cause == "completed early: no better held-out loss in 2 evaluations"
    evaluated = [report for report in reports if report.points.columns and report.points.columns[0].series == "eval_loss"]
    assert len(evaluated) == 3


def test_a_diagnosis_is_part_of_the_curve(worker, tiny_file, tmp_path):
    _, reports = run(worker, tiny_file, tmp_path / "run", diagnose_every=4)
    steps = [list(report.points.steps) for report in reports if report.points.columns and "/" in report.points.columns[0].series]
    assert [step for found in steps for step in found] == [0, 4, 8]
