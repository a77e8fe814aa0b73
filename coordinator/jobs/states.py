"""The life of a job as a table: (state, event) → state and actions.

1. Every change of a job's state is a row of TABLE; what is not there cannot happen.
2. Nothing here acts: runs/supervisor.py performs the actions.
3. Final states have no row: nothing changes a job that has ended.
"""

from enum import Enum

from bptrain.v1.job_service_pb2 import JobState

QUEUED, STARTING, RUNNING, CANCELLING = (
    JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_STARTING, JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_CANCELLING)
SUCCEEDED, FAILED, CANCELLED = (
    JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED, JobState.JOB_STATE_CANCELLED)

ACTIVE = (STARTING, RUNNING, CANCELLING)  # ranks may be alive
FINAL = (SUCCEEDED, FAILED, CANCELLED)


class Event(Enum):
    SLOTS_GRANTED = "slots granted"
    LAUNCH_FAILED = "launch failed"
    RANKS_MET = "ranks met"
    CANCEL_ASKED = "cancel asked"
    COMPLETED = "completed"
    STOPPED = "stopped"
    TRAINING_FAILED = "training failed"
    RESIZED = "resized"  # without an end record; another number of ranks goes on
    RANKS_CUT_OFF = "ranks cut off"  # without an end record; they are started again
    RANKS_GONE = "ranks gone"  # without an end record, for good


class Action(Enum):
    LAUNCH = "start the ranks"
    STOP = "ask the ranks to stop, and end them if they do not"


TABLE: dict[tuple[int, Event], tuple[int, tuple[Action, ...]]] = {
    (QUEUED, Event.SLOTS_GRANTED): (STARTING, (Action.LAUNCH,)),
    (QUEUED, Event.CANCEL_ASKED): (CANCELLED, ()),
    (STARTING, Event.LAUNCH_FAILED): (FAILED, ()),
    (STARTING, Event.RANKS_MET): (RUNNING, ()),
    (STARTING, Event.CANCEL_ASKED): (CANCELLING, (Action.STOP,)),
    (STARTING, Event.TRAINING_FAILED): (FAILED, ()),
    (STARTING, Event.RANKS_CUT_OFF): (STARTING, (Action.LAUNCH,)),
    (STARTING, Event.RANKS_GONE): (FAILED, ()),
    (RUNNING, Event.CANCEL_ASKED): (CANCELLING, (Action.STOP,)),
    (RUNNING, Event.COMPLETED): (SUCCEEDED, ()),
    (RUNNING, Event.STOPPED): (CANCELLED, ()),
    (RUNNING, Event.TRAINING_FAILED): (FAILED, ()),
    (RUNNING, Event.RESIZED): (STARTING, (Action.LAUNCH,)),
    (RUNNING, Event.RANKS_CUT_OFF): (STARTING, (Action.LAUNCH,)),
    (RUNNING, Event.RANKS_GONE): (FAILED, ()),
    (CANCELLING, Event.COMPLETED): (SUCCEEDED, ()),
    (CANCELLING, Event.STOPPED): (CANCELLED, ()),
    (CANCELLING, Event.TRAINING_FAILED): (FAILED, ()),
    (CANCELLING, Event.RANKS_GONE): (CANCELLED, ()),
    (CANCELLING, Event.LAUNCH_FAILED): (CANCELLED, ()),
}


def allowed(state: int, event: Event) -> bool:
    return (state, event) in TABLE


def label(state: int) -> str:
    """`RUNNING`, as people read it."""
    return JobState.Name(state).removeprefix("JOB_STATE_")
