"""The life of a job, spelled out once more, and what any such table must hold to."""

from pathlib import Path

import pytest

from bptrain.v1.job_service_pb2 import JobState
from coordinator.jobs import diagram, states
from coordinator.jobs.states import ACTIVE, FINAL, TABLE, Action, Event, allowed, label

LIFE = {
    "QUEUED": {"slots granted": "STARTING", "pause asked": "PAUSED", "cancel asked": "CANCELLED", "ranks found": "RUNNING"},
    "STARTING": {"ranks met": "RUNNING", "launch failed": "FAILED", "training failed": "FAILED", "ranks gone": "FAILED",
                 "ranks cut off": "STARTING", "put off": "QUEUED", "pause asked": "PAUSING", "cancel asked": "CANCELLING"},
    "RUNNING": {"completed": "SUCCEEDED", "stopped": "CANCELLED", "training failed": "FAILED", "ranks gone": "FAILED",
                "ranks cut off": "STARTING", "resized": "STARTING", "put off": "QUEUED", "pause asked": "PAUSING", "cancel asked": "CANCELLING"},
    "CANCELLING": {"completed": "SUCCEEDED", "stopped": "CANCELLED", "ranks gone": "CANCELLED", "launch failed": "CANCELLED",
                   "training failed": "FAILED", "cancel asked": "CANCELLING"},
    "SUCCEEDED": {}, "FAILED": {"retry asked": "QUEUED", "ranks found": "RUNNING"}, "CANCELLED": {"retry asked": "QUEUED", "ranks found": "RUNNING"},
    "PAUSING": {"completed": "SUCCEEDED", "stopped": "PAUSED", "ranks gone": "PAUSED", "launch failed": "PAUSED",
                "training failed": "FAILED", "cancel asked": "CANCELLING"},
    "PAUSED": {"resume asked": "QUEUED", "cancel asked": "CANCELLED", "ranks found": "RUNNING"},
}
EVERY_STATE = [state for state in JobState.values() if state]


def number(name):
    return JobState.Value(f"JOB_STATE_{name}")


def reachable(start):
    """States that some series of events leads to, `start` included."""
    found, waiting = set(), [start]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += [target for (source, _), (target, _) in TABLE.items() if source == state]
    return found


@pytest.mark.parametrize("state", LIFE)
def test_a_state_is_left_by_these_events_and_no_others(state):
    rows = {event.value: label(target) for (source, event), (target, _) in TABLE.items() if source == number(state)}
    assert rows == LIFE[state]


@pytest.mark.parametrize("state", LIFE)
@pytest.mark.parametrize("event", Event, ids=lambda event: event.value)
def test_only_what_the_table_holds_is_allowed(state, event):
    assert allowed(number(state), event) == (event.value in LIFE[state])


def test_every_state_can_be_reached_by_a_submitted_job():
    assert reachable(states.QUEUED) == set(EVERY_STATE)


@pytest.mark.parametrize("state", FINAL, ids=label)
def test_a_final_state_is_left_by_asking_or_by_ranks_that_run_only(state):
    assert {event for source, event in TABLE if source == state} <= {Event.RETRY_ASKED, Event.RANKS_FOUND}


@pytest.mark.parametrize("state", EVERY_STATE, ids=label)
def test_every_job_can_end(state):
    assert reachable(state) & set(FINAL)


@pytest.mark.parametrize("state", ACTIVE, ids=label)
def test_the_end_of_the_ranks_leaves_the_job_without_any(state):
    assert TABLE[state, Event.RANKS_GONE][0] not in ACTIVE


def test_ranks_are_launched_whenever_a_job_begins_to_start():
    for (_, event), (target, actions) in TABLE.items():
        assert (Action.LAUNCH in actions) == (target == states.STARTING), event


def test_ranks_are_asked_to_stop_whenever_a_job_becomes_pausing_or_cancelling():
    for (_, event), (target, actions) in TABLE.items():
        assert (Action.STOP in actions) == (target in (states.PAUSING, states.CANCELLING)), event


def test_every_event_and_every_action_stands_in_the_table():
    assert {event for _, event in TABLE} == set(Event)
    assert {action for _, actions in TABLE.values() for action in actions} == set(Action)


def test_active_final_and_waiting_states_are_all_there_are():
    assert sorted([states.QUEUED, *ACTIVE, states.PAUSED, *FINAL]) == EVERY_STATE


def test_the_states_in_which_an_event_may_happen_are_the_rows_of_the_table():
    assert set(map(label, states.sources(Event.RETRY_ASKED))) == {"FAILED", "CANCELLED"}


def test_the_diagram_is_drawn_from_the_table():
    """If not: python -m coordinator.jobs.diagram > coordinator/jobs/README.md"""
    assert Path(diagram.__file__).with_name("README.md").read_text() == diagram.page()


def test_a_label_is_what_people_read():
    assert [label(state) for state in EVERY_STATE] == list(LIFE)
