"""The life of a job as a table: (state, event) → state and actions.

1. Every change of a job's state is a row of TABLE; what is not there cannot happen.
2. Nothing here acts: runs/supervisor.py performs the actions.
3. A job that has ended stays so, unless somebody asks to try it again (or has, before the store was put back to an older
   copy: then its ranks are found).
4. A job that is trained in folds has no part in it: where it stands follows from them (folds.py).
"""

from enum import Enum

from bptrain.v1.job_service_pb2 import JobState

QUEUED, STARTING, RUNNING, CANCELLING = (
    JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_STARTING, JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_CANCELLING)
SUCCEEDED, FAILED, CANCELLED = (
    JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED, JobState.JOB_STATE_CANCELLED)
PAUSING, PAUSED = JobState.JOB_STATE_PAUSING, JobState.JOB_STATE_PAUSED

ACTIVE = (STARTING, RUNNING, PAUSING, CANCELLING)  # ranks may be alive
FINAL = (SUCCEEDED, FAILED, CANCELLED)


class Event(Enum):
    SLOTS_GRANTED = "slots granted"
    LAUNCH_FAILED = "launch failed"
    RANKS_MET = "ranks met"
    PAUSE_ASKED = "pause asked"
    RESUME_ASKED = "resume asked"
    CANCEL_ASKED = "cancel asked"
    RETRY_ASKED = "retry asked"
    COMPLETED = "completed"
    STOPPED = "stopped"
    TRAINING_FAILED = "training failed"
    RESIZED = "resized"  # without an end record; another number of ranks goes on
    RANKS_CUT_OFF = "ranks cut off"  # without an end record; they are started again
    RANKS_GONE = "ranks gone"  # without an end record, for good
    PUT_OFF = "put off"  # failed, and to be tried again
    RANKS_FOUND = "ranks found"  # they run, but the store is older than they are


class Action(Enum):
    LAUNCH = "start the ranks"
    STOP = "ask the ranks to stop, and end them if they do not"


TABLE: dict[tuple[int, Event], tuple[int, tuple[Action, ...]]] = {
    (QUEUED, Event.SLOTS_GRANTED): (STARTING, (Action.LAUNCH,)),
    (QUEUED, Event.PAUSE_ASKED): (PAUSED, ()),
    (QUEUED, Event.CANCEL_ASKED): (CANCELLED, ()),
    (STARTING, Event.LAUNCH_FAILED): (FAILED, ()),
    (STARTING, Event.RANKS_MET): (RUNNING, ()),
    (STARTING, Event.PAUSE_ASKED): (PAUSING, (Action.STOP,)),
    (STARTING, Event.CANCEL_ASKED): (CANCELLING, (Action.STOP,)),
    (STARTING, Event.TRAINING_FAILED): (FAILED, ()),
    (STARTING, Event.RANKS_CUT_OFF): (STARTING, (Action.LAUNCH,)),
    (STARTING, Event.RANKS_GONE): (FAILED, ()),
    (STARTING, Event.PUT_OFF): (QUEUED, ()),
    (RUNNING, Event.PAUSE_ASKED): (PAUSING, (Action.STOP,)),
    (RUNNING, Event.CANCEL_ASKED): (CANCELLING, (Action.STOP,)),
    (RUNNING, Event.COMPLETED): (SUCCEEDED, ()),
    (RUNNING, Event.STOPPED): (CANCELLED, ()),
    (RUNNING, Event.TRAINING_FAILED): (FAILED, ()),
    (RUNNING, Event.RESIZED): (STARTING, (Action.LAUNCH,)),
    (RUNNING, Event.RANKS_CUT_OFF): (STARTING, (Action.LAUNCH,)),
    (RUNNING, Event.RANKS_GONE): (FAILED, ()),
    (RUNNING, Event.PUT_OFF): (QUEUED, ()),
    (PAUSING, Event.COMPLETED): (SUCCEEDED, ()),
    (PAUSING, Event.STOPPED): (PAUSED, ()),
    (PAUSING, Event.TRAINING_FAILED): (FAILED, ()),
    (PAUSING, Event.RANKS_GONE): (PAUSED, ()),
    (PAUSING, Event.LAUNCH_FAILED): (PAUSED, ()),
    (PAUSING, Event.CANCEL_ASKED): (CANCELLING, (Action.STOP,)),
    (PAUSED, Event.RESUME_ASKED): (QUEUED, ()),
    (PAUSED, Event.CANCEL_ASKED): (CANCELLED, ()),
    (CANCELLING, Event.CANCEL_ASKED): (CANCELLING, (Action.STOP,)),
    (CANCELLING, Event.COMPLETED): (SUCCEEDED, ()),
    (CANCELLING, Event.STOPPED): (CANCELLED, ()),
    (CANCELLING, Event.TRAINING_FAILED): (FAILED, ()),
    (CANCELLING, Event.RANKS_GONE): (CANCELLED, ()),
    (CANCELLING, Event.LAUNCH_FAILED): (CANCELLED, ()),
    (FAILED, Event.RETRY_ASKED): (QUEUED, ()),
    (CANCELLED, Event.RETRY_ASKED): (QUEUED, ()),
    (QUEUED, Event.RANKS_FOUND): (RUNNING, ()),
    (PAUSED, Event.RANKS_FOUND): (RUNNING, ()),
    (FAILED, Event.RANKS_FOUND): (RUNNING, ()),
    (CANCELLED, Event.RANKS_FOUND): (RUNNING, ()),
}


def allowed(state: int, event: Event) -> bool:
    return (state, event) in TABLE


def sources(event: Event) -> list[int]:
    """The states in which that may happen."""
    return [state for state, each in TABLE if each is event]


def label(state: int) -> str:
    """`RUNNING`, as people read it."""
    return JobState.Name(state).removeprefix("JOB_STATE_")
