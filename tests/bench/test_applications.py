"""The table of deploy/jobs/README.md: a row for every application, as promised, and nothing missed; and what goals say."""

import numpy as np
import pytest
import yaml

from bpcore.model import Model
from bptrain.v1.report_pb2 import Column, Points, Report
from tests.bench import applications
from tests.bench.goals import AtLeast, AtMost, Bits, HalfTheSteps, MeanAtLeast, NeverLoses, Run
from worker.jobs import jobfile, specs
from worker.record.journal import Journal

EACH = pytest.mark.parametrize("application", applications.APPLICATIONS, ids=lambda each: each.job)


@EACH
def test_the_table_has_what_is_promised_and_what_was_reached(application):
    *cells, reached, time = applications.written()[application.job]
    assert cells == applications.promised(application)
    assert reached and "missed" not in reached and time.endswith(" s")


def test_the_table_has_no_other_row_and_every_job_is_named_on_the_page():
    assert set(applications.written()) == {application.job for application in applications.APPLICATIONS}
    page = applications.README.read_text()
    assert [path.name for path in applications.JOBS.glob("*.yaml") if path.name not in page] == []


@EACH
def test_what_a_goal_looks_at_is_measured_by_the_job(application):
    """Else it would be found missing after minutes of training."""
    model = Model(specs.parse_maths(jobfile.read(applications.JOBS / f"{application.job}.yaml")[0]))
    wanted = {goal.series for goal in application.goals if isinstance(goal, (AtLeast, AtMost, MeanAtLeast))}
    assert wanted <= model.summary(np.zeros(model.row_width)).keys()


@pytest.fixture
def run(tmp_path):
    """`run("name", accuracy=[…])`: a run with evaluations behind steps 9, 19 …"""

    def make(name, **series):
        (tmp_path / name).mkdir()
        journal, count = Journal(tmp_path / name / "journal"), len(next(iter(series.values())))
        columns = [Column(series=f"eval_{each}", values=values) for each, values in series.items()]
        journal.append(Report(points=Points(steps=range(9, 10 * count, 10), times=[1.0] * count, columns=columns)))
        journal.close()
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, "start": {}, "groups": []}))
        return Run(tmp_path / f"{name}.yaml", tmp_path / name, 1.0)

    return make


@pytest.mark.parametrize(("goal", "text", "is_met"), [
    (AtLeast("accuracy", 0.7), "accuracy 0.750", True), (AtLeast("accuracy", 0.76), "accuracy 0.750", False),
    (AtMost("loss", 1.5), "loss 1.386", True), (AtMost("loss", 1.3), "loss 1.386", False),
    (Bits(2.2), "2.00 bits a character", True), (Bits(1.9), "2.00 bits a character", False),
], ids=str)
def test_a_goal_looks_at_the_last_evaluation(run, goal, text, is_met):
    """By hand: log₂ e^(2 ln 2) is 2."""
    assert goal.look(run("one", accuracy=[0.9, 0.75], loss=[9.0, 2 * np.log(2)]), None) == (text, is_met)


@pytest.mark.parametrize(("mean", "text", "is_met"), [(0.0, "lost 0 of 200 games", True), (-0.005, "lost 1 of 200 games", False)])
def test_what_is_missing_to_a_mean_of_0_is_games_lost(run, mean, text, is_met):
    assert NeverLoses(200).look(run("one", policy_episode_return=[-1.0, mean]), None) == (text, is_met)


@pytest.mark.parametrize(("other", "text", "is_met"), [
    ([0.1, 0.2, 0.3, 0.9], "20 steps; from the beginning 40 steps", True),
    ([0.1, 0.2, 0.9, 0.9], "20 steps; from the beginning 30 steps", False),
    ([0.1, 0.2, 0.3, 0.4], "20 steps; from the beginning not in 40", True),
    ([0.1, 0.2, 0.3], "20 steps; from the beginning not in 30", False),
])
def test_half_the_steps_are_those_of_the_same_job_without_a_start(run, other, text, is_met):
    def train(file):
        assert yaml.safe_load(file.read_text()) == {"name": "transfer"}
        return run("other", accuracy=other)

    assert HalfTheSteps(0.8).look(run("transfer", accuracy=[0.1, 0.8, 0.7, 0.9]), train) == (text, is_met)


def test_a_missed_goal_is_written_as_missed(run, monkeypatch, tmp_path):
    monkeypatch.setattr(applications, "trained", lambda job, folder: run("lanes", iou=[0.5]))
    lanes = next(each for each in applications.APPLICATIONS if each.job == "lanes")
    cells, is_met = applications.row(lanes, tmp_path)
    assert not is_met and cells[-2:] == ["**missed: IoU 0.500**", "1 s"]
