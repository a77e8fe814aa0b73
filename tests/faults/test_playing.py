"""A rank is killed while its policy plays: whoever takes its shards over plays them again, to the same bits."""

from pathlib import Path

import pytest
import yaml

from tests.faults.conftest import ENDLESS, written

JOB = Path(__file__).parents[2] / "deploy" / "jobs" / "tic_tac_toe.yaml"


@pytest.fixture
def endless(tmp_path):
    """Epochs of 16 steps, so that most deaths are in the middle of one."""
    spec = yaml.safe_load(JOB.read_text())
    spec.pop("schedule")  # it would follow the number of epochs
    spec["data"]["environment"]["tic_tac_toe"] |= {"environments": 8, "steps": 16, "episodes": 6}
    return written(tmp_path / "job.yaml", spec, batch_size=128, epochs=ENDLESS, recovery={"keep_s": 2})


@pytest.mark.slow
def test_a_player_that_is_killed_is_replaced_and_no_game_is_another(start, endless, is_as_if_undisturbed):
    run = start(endless, ranks=3)
    for rank in (1, 0):
        at = run.steps() + 50
        run.wait_until(lambda: run.steps() > at and len(run.pids()) == 3)
        before = run.pids()
        run.end_rank(rank)
        run.wait_until(lambda: before[rank] not in run.pids() and len(run.pids()) == 3)
    run.wait_until(lambda: run.steps() > at + 50)
    run.stop()
    assert sum(len(report.crew.lost) for report in run.reports()) == 2
    is_as_if_undisturbed(endless, [run])
