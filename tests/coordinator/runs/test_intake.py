"""Reports on their way in: stored once, folded into the job's view, turned into changes of state."""

import asyncio
import json
import random
from contextlib import closing

import pytest

from bptrain.v1.job_service_pb2 import Progress
from bptrain.v1.report_pb2 import AttemptEnded
from coordinator.jobs import states
from coordinator.runs.hub import Hub
from coordinator.runs.intake import Intake
from coordinator.store import events, jobs
from coordinator.store.database import Database
from coordinator.views.run import RunView


class Desk:
    """A store with one job whose ranks are being started, and the intake in front of it."""

    def __init__(self, path, add_job):
        self.database, self.hub = Database(path), Hub()
        self.intake = Intake(self.database, self.hub)
        self.job_id = asyncio.run(self.database.write(lambda connection: add_job(connection, states.STARTING)))

    def take(self, reports):
        return asyncio.run(self.intake.take(self.job_id, reports))

    def read(self, function):
        return asyncio.run(self.database.read(lambda connection: function(connection, self.job_id)))

    def state(self):
        row = self.read(jobs.get)
        return row["state"], row["cause"]

    def seen(self):
        """What the job's row says: (progress, latest values, digest)."""
        row = self.read(jobs.get)
        return Progress.FromString(row["progress"]), json.loads(row["latest"]), row["digest"]

    def folded(self):
        """The same from the stored reports alone."""
        view = self.read(lambda connection, job_id: RunView(2).apply_all(events.reports(connection, job_id)))
        return view.progress, view.latest, view.ended.digest if view.ended else ""

    def close(self):
        self.database.close()


@pytest.fixture
def desk(tmp_path, add_job):
    with closing(Desk(tmp_path / "store.db", add_job)) as opened:
        yield opened


@pytest.fixture
def reports(script):
    """A run that was cut off at step 7 and resumed at step 5."""
    script.started().points(range(4)).points([3], "eval_loss").points(range(4, 7)).checkpoint(5)
    return script.started(first_step=5).points(range(5, 10)).points([9], "eval_loss").ended().reports


def stored(desk):
    return desk.read(lambda connection, job_id: list(events.reports(connection, job_id)))


def test_reports_are_stored_and_acknowledged(desk, reports):
    assert [desk.take(reports[:2]), desk.take(reports[2:])] == [2, len(reports)]
    assert stored(desk) == reports


def test_what_comes_again_is_acknowledged_and_changes_nothing(desk, reports):
    desk.take(reports)
    before = desk.seen(), desk.state()
    assert desk.take(reports) == desk.take(reports[3:5]) == desk.take([]) == len(reports)
    assert (desk.seen(), desk.state()) == before and stored(desk) == reports



def test_an_acknowledgement_stops_at_a_hole(desk, reports):
    assert desk.take([reports[0], reports[2]]) == 1


@pytest.mark.parametrize("seed", range(8))
def test_the_row_of_a_job_is_the_fold_of_its_reports(desk, reports, seed):
    """Batches of any size, some of them again, as after broken links."""
    chance, sent = random.Random(seed), 0
    while sent < len(reports):
        start, sent = chance.randint(0, sent), chance.randint(sent + 1, len(reports))
        assert desk.take(reports[start:sent]) == sent
        assert desk.seen() == desk.folded()


def test_an_intake_that_starts_in_the_middle_goes_on_with_the_same_view(desk, reports):
    """As after a restart of the coordinator."""
    desk.take(reports[:5])
    desk.intake = Intake(desk.database, desk.hub)
    desk.take(reports[5:])
    assert desk.seen() == desk.folded()


def test_ranks_that_meet_make_the_job_run_and_are_named(desk, script):
    desk.take(script.started(hosts=("b", "a", "b")).reports)
    assert desk.state() == (states.RUNNING, "3 rank(s) met on a, b")


@pytest.mark.parametrize(("outcome", "state"), [
    (AttemptEnded.OUTCOME_COMPLETED, states.SUCCEEDED), (AttemptEnded.OUTCOME_STOPPED, states.CANCELLED),
    (AttemptEnded.OUTCOME_FAILED, states.FAILED)])
def test_the_end_record_ends_the_job_and_gives_its_cause(desk, script, outcome, state):
    desk.take(script.started().ended(outcome, "said by the ranks", digest="d9").reports)
    assert desk.state() == (state, "said by the ranks")
    assert desk.seen()[2] == "d9"


def test_a_change_of_state_stands_right_behind_the_report_that_brings_it_about(desk, script):
    """However much comes at once, readers see RUNNING before the first step."""
    desk.take(script.started().points(range(10)).ended().reports)
    stored = desk.read(lambda connection, job_id: events.after(connection, job_id, 0))
    kinds = [event.report.WhichOneof("event") if event.report else states.label(event.transition.to) for event in stored]
    assert kinds == ["started", "RUNNING", "points", "ended", "SUCCEEDED"]


def test_a_batch_that_cannot_be_taken_leaves_nothing_behind(desk, script):
    good = script.started().points(range(3)).reports
    bad = script.ended(AttemptEnded.OUTCOME_UNSPECIFIED).reports[-1:]
    with pytest.raises(KeyError):
        desk.take(good + bad)
    assert stored(desk) == [] and desk.state()[0] == states.STARTING



def test_the_view_does_not_keep_what_was_not_stored(desk, script):
    bad = script.started().points(range(3)).ended(AttemptEnded.OUTCOME_UNSPECIFIED, digest="bad").reports
    with pytest.raises(KeyError):
        desk.take(bad)
    desk.take(bad[:1])
    assert desk.seen() == desk.folded()


def test_news_are_told_once_they_are_stored(desk, script):
    with desk.hub.subscribe(desk.job_id) as news:
        desk.take(script.started().reports)
        assert news.is_set()



def test_nothing_is_kept_in_memory_of_a_job_that_has_ended(desk, reports):
    desk.take(reports)
    desk.take(reports)  # the journal, once more, when the ranks are gone
    assert not desk.intake._views


@pytest.mark.parametrize("state", [states.PAUSING, states.CANCELLING])
def test_ranks_that_were_asked_by_signal_end_for_the_cause_that_was_given(desk, script, state):
    """Those of a coordinator that has just come back are not on the line yet."""
    desk.take(script.started().reports)
    asyncio.run(desk.database.write(lambda connection: jobs.set_state(connection, desk.job_id, state, "asked by alice")))
    desk.take(script.ended(AttemptEnded.OUTCOME_STOPPED, "stopped by SIGTERM").reports[-1:])
    assert desk.state() == (states.PAUSED if state == states.PAUSING else states.CANCELLED, "asked by alice")
