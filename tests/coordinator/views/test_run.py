"""Reports → progress, curves and end of a run."""

import math

import pytest

from bptrain.v1.report_pb2 import AttemptEnded, Column, Compiling, Points, Report, Sample
from coordinator.views.run import RATE_WINDOW_S, RunView


def fold(reports):
    return RunView(epochs=2).apply_all(reports)


def test_a_curve_has_each_step_in_order(script):
    view = fold(script.started().points(range(3)).points(range(3, 10)).reports)
    assert view.series["loss"].steps == list(range(10))
    assert view.series["loss"].values == [1 / (step + 1) for step in range(10)]


@pytest.mark.parametrize("first_step", [0, 4, 7])
def test_a_restarted_run_takes_back_what_it_computes_again(script, first_step):
    script.started().points(range(7)).started(first_step=first_step).points(range(first_step, 10), value=lambda step: -step)
    loss = fold(script.reports).series["loss"]
    assert loss.steps == list(range(10))
    assert loss.values == [1 / (step + 1) for step in range(first_step)] + [-step for step in range(first_step, 10)]


def test_a_restart_takes_back_evaluations_too(script):
    script.started().points(range(10)).points([4], "eval_loss").points([9], "eval_loss").started(first_step=8)
    assert fold(script.reports).series["eval_loss"].steps == [4]


def test_a_restart_takes_back_the_progress_and_the_end(script):
    view = fold(script.started().points(range(7)).ended(AttemptEnded.OUTCOME_STOPPED).started(first_step=5).reports)
    assert (view.progress.step, view.progress.total_steps, view.progress.samples_s, view.progress.left_s) == (5, 10, 0, 0)
    assert view.ended is None and view.started.first_step == 5


def test_the_newest_text_that_was_written_is_kept():
    samples = [Report(sample=Sample(step=step, prompt="The ", text=text)) for step, text in ((5, "cat"), (10, "dog"))]
    assert fold(samples).progress.sample == samples[1].sample


@pytest.mark.parametrize(("steps_done", "epoch"), [(1, 1), (5, 1), (6, 2), (10, 2)])
def test_epochs_count_from_one(script, steps_done, epoch):
    progress = fold(script.started(steps_per_epoch=5).points(range(steps_done)).reports).progress
    assert (progress.step, progress.epoch, progress.epochs) == (steps_done, epoch, 2)


def test_before_the_first_step_nothing_is_known(script):
    progress = fold(script.started().reports).progress
    assert (progress.step, progress.epoch, progress.samples_s, progress.left_s) == (0, 0, 0, 0)


@pytest.mark.parametrize("later", ["started", "points", "eval_points"])
def test_what_the_ranks_wait_for_is_over_when_they_go_on(script, later):
    script.started()
    waits = Report(compiling=Compiling(kernel="sums.columns", done=1))
    assert fold([*script.reports, waits]).progress.compiling == waits.compiling
    {"started": script.started, "points": lambda: script.points([0]), "eval_points": lambda: script.points([0], "eval_loss")}[later]()
    assert not fold([script.reports[0], waits, script.reports[1]]).progress.HasField("compiling")


def test_the_speed_is_samples_over_seconds_and_the_rest_takes_as_long(script):
    script.started(batch_size=4, total_steps=30)
    for step in range(10):
        script.points([step], step_s=0.1)
    progress = fold(script.reports).progress
    assert progress.samples_s == pytest.approx(4 / 0.1)
    assert progress.left_s == pytest.approx(20 * 0.1)


def test_the_speed_is_that_of_the_last_seconds(script):
    """Ten steps of 1 s, then enough fast ones to fill the window."""
    script.started(batch_size=4, total_steps=1000).points(range(10), step_s=1.0)
    fast = [10 + RATE_WINDOW_S * i / 100 for i in range(200)]
    for step, when in enumerate(fast, start=10):
        script.points([step], step_s=when / step)
    assert fold(script.reports).progress.samples_s == pytest.approx(4 * 100 / RATE_WINDOW_S, rel=0.01)


def test_one_point_is_too_little_for_a_speed(script):
    progress = fold(script.started().points([0]).reports).progress
    assert (progress.samples_s, progress.left_s) == (0, 0)


def test_an_evaluation_is_no_progress(script):
    before = fold(script.started().points(range(5)).reports).progress
    after = fold(script.points([4], "eval_loss", step_s=0.2).reports).progress  # some time later
    assert after == before


def test_the_newest_values_are_those_of_each_series(script):
    view = fold(script.started().points(range(5)).points([4], "eval_loss", value=lambda step: 0.5).reports)
    assert view.latest == {"loss": 1 / 5, "eval_loss": 0.5}


def test_all_columns_of_a_batch_are_kept_and_what_is_not_a_number_too():
    columns = [Column(series="loss", values=[math.inf, math.nan]), Column(series="accuracy", values=[0.1, 0.2])]
    view = RunView()
    view.apply_points(Points(steps=[0, 1], times=[0, 1], columns=columns))
    assert view.series["loss"].values[0] == math.inf and math.isnan(view.series["loss"].values[1])
    assert view.series["accuracy"].values == [0.1, 0.2]


def test_the_end_leaves_nothing_to_wait_for(script):
    view = fold(script.started().points([0]).points([1]).ended().reports)
    assert view.ended.digest == "d1" and view.progress.left_s == 0


def test_the_newest_checkpoint_is_known(script):
    assert fold(script.started().checkpoint(3).checkpoint(6).reports).checkpoint.step == 6
