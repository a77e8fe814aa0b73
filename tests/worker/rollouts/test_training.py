"""Who plays changes no bit: on other ranks, resumed in the middle of an epoch, computed again."""

import shutil

import pytest
import yaml

from worker.record import journal, replay
from worker.record.rundir import RunDir

EVERY, PER_EPOCH = 7, 10  # steps; 7 and 14 are in the middle of an epoch
KEPT = ["step-00000007", "step-00000014", "step-00000020"]


@pytest.fixture
def file(playing, tmp_path):
    def write(**replaced):
        path = tmp_path / "playing.yaml"
        path.write_text(yaml.safe_dump(playing(**{"checkpoint": {"every_steps": EVERY, "keep": 9}} | replaced)))
        return path

    return write


def record(folder):
    """(digest, the newest value of every point of the curve)."""
    reports = list(journal.read(folder / "journal"))
    return reports[-1].ended.digest, {(column.series, step): column.values[i] for report in reports for column in report.points.columns
                                      for i, step in enumerate(report.points.steps)}


@pytest.fixture
def whole(file, mpirun, tmp_path):
    done = mpirun(2, "-m", "worker", file(), "--run-dir", "whole")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "whole" / "checkpoints").iterdir()) == KEPT
    return tmp_path / "whole"


def test_a_policy_that_played_half_its_epoch_goes_on_on_other_ranks(whole, mpirun, worker, tmp_path):
    for newest, ranks in [(0, 3), (1, 0)]:
        folder = tmp_path / f"from-{newest}"
        shutil.copytree(whole, folder)
        (folder / "identity").unlink()
        for later in KEPT[newest + 1:]:
            shutil.rmtree(folder / "checkpoints" / later)
        done = mpirun(ranks, "-m", "worker", folder, "--resume") if ranks else worker(folder, "--resume")
        assert done.returncode == 0, done.stderr
        assert record(folder) == record(whole)
    for step in (8, 16):  # computed again, from the checkpoints before them
        assert replay.replay(RunDir(whole), step, tmp_path).is_same


def test_each_epoch_is_followed_by_games_with_the_likeliest_actions(whole):
    _, curve = record(whole)
    ends = [PER_EPOCH - 1, 2 * PER_EPOCH - 1]
    returns = [curve["eval_policy_episode_return", step] for step in ends]
    assert [step for series, step in curve if series == "eval_loss"] == ends
    assert [curve["eval_loss", step] for step in ends] == [-each for each in returns]  # so that the best has the lowest
    assert all(-1 <= each <= 0 and each * 6 == round(each * 6) for each in returns)  # of 6 games, none won against perfect play


@pytest.mark.parametrize("change", [
    {"losses": [{"loss": {"policy_gradient": {"form": "a2c"}}, "output": "policy"}, {"loss": "huber", "output": "value", "target": "returns"}]},
    {"reduction": {"local_sgd": {"every": 2}}}, {"weight_average": 0.9}, {"reduction": "fast"},
], ids=lambda change: next(iter(change)))
def test_other_ways_to_train_can_play_too(file, worker, tmp_path, change):
    done = worker(file(**change), "--run-dir", "run")
    assert done.returncode == 0, done.stderr
    assert ("eval_loss", 2 * PER_EPOCH - 1) in record(tmp_path / "run")[1]
