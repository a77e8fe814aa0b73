from bptrain.v1 import report_pb2 as _report_pb2
from bptrain.v1 import spec_pb2 as _spec_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_STARTING: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_CANCELLING: _ClassVar[JobState]
    JOB_STATE_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]
    JOB_STATE_PAUSING: _ClassVar[JobState]
    JOB_STATE_PAUSED: _ClassVar[JobState]
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_STARTING: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_CANCELLING: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState
JOB_STATE_PAUSING: JobState
JOB_STATE_PAUSED: JobState

class Transition(_message.Message):
    __slots__ = ("to", "time", "cause")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    to: JobState
    time: float
    cause: str
    def __init__(self, to: _Optional[_Union[JobState, str]] = ..., time: _Optional[float] = ..., cause: _Optional[str] = ..., **kwargs) -> None: ...

class Progress(_message.Message):
    __slots__ = ("step", "total_steps", "epoch", "epochs", "samples_s", "left_s", "pace", "sample", "compiling")
    STEP_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STEPS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_S_FIELD_NUMBER: _ClassVar[int]
    LEFT_S_FIELD_NUMBER: _ClassVar[int]
    PACE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    COMPILING_FIELD_NUMBER: _ClassVar[int]
    step: int
    total_steps: int
    epoch: int
    epochs: int
    samples_s: float
    left_s: float
    pace: _report_pb2.Pace
    sample: _report_pb2.Sample
    compiling: _report_pb2.Compiling
    def __init__(self, step: _Optional[int] = ..., total_steps: _Optional[int] = ..., epoch: _Optional[int] = ..., epochs: _Optional[int] = ..., samples_s: _Optional[float] = ..., left_s: _Optional[float] = ..., pace: _Optional[_Union[_report_pb2.Pace, _Mapping]] = ..., sample: _Optional[_Union[_report_pb2.Sample, _Mapping]] = ..., compiling: _Optional[_Union[_report_pb2.Compiling, _Mapping]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "spec", "state", "cause", "transitions", "progress", "latest", "digest", "run_dir", "queue_position", "etag", "owner", "origin", "delete_time", "purge_time", "waiting_reason", "estimated_start", "slow_reason", "failure", "folds", "deviation", "submit_time")
    class LatestEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class DeviationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    TRANSITIONS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RUN_DIR_FIELD_NUMBER: _ClassVar[int]
    QUEUE_POSITION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    WAITING_REASON_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_START_FIELD_NUMBER: _ClassVar[int]
    SLOW_REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    DEVIATION_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    spec: _spec_pb2.JobSpec
    state: JobState
    cause: str
    transitions: _containers.RepeatedCompositeFieldContainer[Transition]
    progress: Progress
    latest: _containers.ScalarMap[str, float]
    digest: str
    run_dir: str
    queue_position: int
    etag: str
    owner: str
    origin: Origin
    delete_time: float
    purge_time: float
    waiting_reason: str
    estimated_start: float
    slow_reason: str
    failure: Failure
    folds: _containers.RepeatedCompositeFieldContainer[Fold]
    deviation: _containers.ScalarMap[str, float]
    submit_time: float
    def __init__(self, id: _Optional[str] = ..., spec: _Optional[_Union[_spec_pb2.JobSpec, _Mapping]] = ..., state: _Optional[_Union[JobState, str]] = ..., cause: _Optional[str] = ..., transitions: _Optional[_Iterable[_Union[Transition, _Mapping]]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., latest: _Optional[_Mapping[str, float]] = ..., digest: _Optional[str] = ..., run_dir: _Optional[str] = ..., queue_position: _Optional[int] = ..., etag: _Optional[str] = ..., owner: _Optional[str] = ..., origin: _Optional[_Union[Origin, _Mapping]] = ..., delete_time: _Optional[float] = ..., purge_time: _Optional[float] = ..., waiting_reason: _Optional[str] = ..., estimated_start: _Optional[float] = ..., slow_reason: _Optional[str] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., folds: _Optional[_Iterable[_Union[Fold, _Mapping]]] = ..., deviation: _Optional[_Mapping[str, float]] = ..., submit_time: _Optional[float] = ...) -> None: ...

class Fold(_message.Message):
    __slots__ = ("fold", "job_id", "state", "progress", "evaluation")
    class EvaluationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    FOLD_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    fold: int
    job_id: str
    state: JobState
    progress: Progress
    evaluation: _containers.ScalarMap[str, float]
    def __init__(self, fold: _Optional[int] = ..., job_id: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., evaluation: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Origin(_message.Message):
    __slots__ = ("job_id", "step")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    step: int
    def __init__(self, job_id: _Optional[str] = ..., step: _Optional[int] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("rank", "host", "step", "cause", "next_action")
    RANK_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    NEXT_ACTION_FIELD_NUMBER: _ClassVar[int]
    rank: int
    host: str
    step: int
    cause: str
    next_action: str
    def __init__(self, rank: _Optional[int] = ..., host: _Optional[str] = ..., step: _Optional[int] = ..., cause: _Optional[str] = ..., next_action: _Optional[str] = ...) -> None: ...
