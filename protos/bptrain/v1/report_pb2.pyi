from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Report(_message.Message):
    __slots__ = ("sequence", "attempt", "time", "started", "points", "checkpoint", "ended", "crew", "checkpoint_failed", "epoch", "pace", "sample", "compiling")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    CREW_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FAILED_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    PACE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    COMPILING_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    attempt: int
    time: float
    started: AttemptStarted
    points: Points
    checkpoint: CheckpointWritten
    ended: AttemptEnded
    crew: CrewChanged
    checkpoint_failed: CheckpointFailed
    epoch: EpochEnded
    pace: Pace
    sample: Sample
    compiling: Compiling
    def __init__(self, sequence: _Optional[int] = ..., attempt: _Optional[int] = ..., time: _Optional[float] = ..., started: _Optional[_Union[AttemptStarted, _Mapping]] = ..., points: _Optional[_Union[Points, _Mapping]] = ..., checkpoint: _Optional[_Union[CheckpointWritten, _Mapping]] = ..., ended: _Optional[_Union[AttemptEnded, _Mapping]] = ..., crew: _Optional[_Union[CrewChanged, _Mapping]] = ..., checkpoint_failed: _Optional[_Union[CheckpointFailed, _Mapping]] = ..., epoch: _Optional[_Union[EpochEnded, _Mapping]] = ..., pace: _Optional[_Union[Pace, _Mapping]] = ..., sample: _Optional[_Union[Sample, _Mapping]] = ..., compiling: _Optional[_Union[Compiling, _Mapping]] = ...) -> None: ...

class AttemptStarted(_message.Message):
    __slots__ = ("first_step", "total_steps", "steps_per_epoch", "batch_size", "parameters", "ranks", "seed", "logical_shards", "transfer", "source")
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[AttemptStarted.Source]
        SOURCE_NOTHING: _ClassVar[AttemptStarted.Source]
        SOURCE_MEMORY: _ClassVar[AttemptStarted.Source]
        SOURCE_DISK: _ClassVar[AttemptStarted.Source]
    SOURCE_UNSPECIFIED: AttemptStarted.Source
    SOURCE_NOTHING: AttemptStarted.Source
    SOURCE_MEMORY: AttemptStarted.Source
    SOURCE_DISK: AttemptStarted.Source
    FIRST_STEP_FIELD_NUMBER: _ClassVar[int]
    TOTAL_STEPS_FIELD_NUMBER: _ClassVar[int]
    STEPS_PER_EPOCH_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    LOGICAL_SHARDS_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    first_step: int
    total_steps: int
    steps_per_epoch: int
    batch_size: int
    parameters: int
    ranks: _containers.RepeatedCompositeFieldContainer[RankInfo]
    seed: int
    logical_shards: int
    transfer: Transfer
    source: AttemptStarted.Source
    def __init__(self, first_step: _Optional[int] = ..., total_steps: _Optional[int] = ..., steps_per_epoch: _Optional[int] = ..., batch_size: _Optional[int] = ..., parameters: _Optional[int] = ..., ranks: _Optional[_Iterable[_Union[RankInfo, _Mapping]]] = ..., seed: _Optional[int] = ..., logical_shards: _Optional[int] = ..., transfer: _Optional[_Union[Transfer, _Mapping]] = ..., source: _Optional[_Union[AttemptStarted.Source, str]] = ...) -> None: ...

class Compiling(_message.Message):
    __slots__ = ("kernel", "done")
    KERNEL_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    kernel: str
    done: int
    def __init__(self, kernel: _Optional[str] = ..., done: _Optional[int] = ...) -> None: ...

class CrewChanged(_message.Message):
    __slots__ = ("step", "lost", "joined", "ranks", "stall_s")
    STEP_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    JOINED_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    STALL_S_FIELD_NUMBER: _ClassVar[int]
    step: int
    lost: _containers.RepeatedCompositeFieldContainer[LostRank]
    joined: int
    ranks: _containers.RepeatedCompositeFieldContainer[RankInfo]
    stall_s: float
    def __init__(self, step: _Optional[int] = ..., lost: _Optional[_Iterable[_Union[LostRank, _Mapping]]] = ..., joined: _Optional[int] = ..., ranks: _Optional[_Iterable[_Union[RankInfo, _Mapping]]] = ..., stall_s: _Optional[float] = ...) -> None: ...

class Pace(_message.Message):
    __slots__ = ("step", "steps", "step_s", "rank_s", "read_s", "hosts")
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STEP_S_FIELD_NUMBER: _ClassVar[int]
    RANK_S_FIELD_NUMBER: _ClassVar[int]
    READ_S_FIELD_NUMBER: _ClassVar[int]
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    step: int
    steps: int
    step_s: float
    rank_s: _containers.RepeatedScalarFieldContainer[float]
    read_s: float
    hosts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, step: _Optional[int] = ..., steps: _Optional[int] = ..., step_s: _Optional[float] = ..., rank_s: _Optional[_Iterable[float]] = ..., read_s: _Optional[float] = ..., hosts: _Optional[_Iterable[str]] = ...) -> None: ...

class Sample(_message.Message):
    __slots__ = ("step", "prompt", "text")
    STEP_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    step: int
    prompt: str
    text: str
    def __init__(self, step: _Optional[int] = ..., prompt: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class LostRank(_message.Message):
    __slots__ = ("rank", "host", "cause")
    RANK_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    rank: int
    host: str
    cause: str
    def __init__(self, rank: _Optional[int] = ..., host: _Optional[str] = ..., cause: _Optional[str] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("matched", "missing", "unused")
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    UNUSED_FIELD_NUMBER: _ClassVar[int]
    matched: _containers.RepeatedScalarFieldContainer[str]
    missing: _containers.RepeatedScalarFieldContainer[str]
    unused: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, matched: _Optional[_Iterable[str]] = ..., missing: _Optional[_Iterable[str]] = ..., unused: _Optional[_Iterable[str]] = ...) -> None: ...

class RankInfo(_message.Message):
    __slots__ = ("host", "pid")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    host: str
    pid: int
    def __init__(self, host: _Optional[str] = ..., pid: _Optional[int] = ...) -> None: ...

class Points(_message.Message):
    __slots__ = ("steps", "times", "columns")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedScalarFieldContainer[int]
    times: _containers.RepeatedScalarFieldContainer[float]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    def __init__(self, steps: _Optional[_Iterable[int]] = ..., times: _Optional[_Iterable[float]] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("series", "values")
    SERIES_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    series: str
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, series: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class CheckpointWritten(_message.Message):
    __slots__ = ("step", "size_bytes", "stall_s", "write_s")
    STEP_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    STALL_S_FIELD_NUMBER: _ClassVar[int]
    WRITE_S_FIELD_NUMBER: _ClassVar[int]
    step: int
    size_bytes: int
    stall_s: float
    write_s: float
    def __init__(self, step: _Optional[int] = ..., size_bytes: _Optional[int] = ..., stall_s: _Optional[float] = ..., write_s: _Optional[float] = ...) -> None: ...

class CheckpointFailed(_message.Message):
    __slots__ = ("step", "cause")
    STEP_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    step: int
    cause: str
    def __init__(self, step: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class EpochEnded(_message.Message):
    __slots__ = ("epoch", "step", "samples", "checksum", "expected_samples", "expected_checksum")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    step: int
    samples: int
    checksum: int
    expected_samples: int
    expected_checksum: int
    def __init__(self, epoch: _Optional[int] = ..., step: _Optional[int] = ..., samples: _Optional[int] = ..., checksum: _Optional[int] = ..., expected_samples: _Optional[int] = ..., expected_checksum: _Optional[int] = ...) -> None: ...

class AttemptEnded(_message.Message):
    __slots__ = ("outcome", "cause", "step", "digest", "skipped", "rank", "host")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[AttemptEnded.Outcome]
        OUTCOME_COMPLETED: _ClassVar[AttemptEnded.Outcome]
        OUTCOME_STOPPED: _ClassVar[AttemptEnded.Outcome]
        OUTCOME_FAILED: _ClassVar[AttemptEnded.Outcome]
    OUTCOME_UNSPECIFIED: AttemptEnded.Outcome
    OUTCOME_COMPLETED: AttemptEnded.Outcome
    OUTCOME_STOPPED: AttemptEnded.Outcome
    OUTCOME_FAILED: AttemptEnded.Outcome
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    outcome: AttemptEnded.Outcome
    cause: str
    step: int
    digest: str
    skipped: int
    rank: int
    host: str
    def __init__(self, outcome: _Optional[_Union[AttemptEnded.Outcome, str]] = ..., cause: _Optional[str] = ..., step: _Optional[int] = ..., digest: _Optional[str] = ..., skipped: _Optional[int] = ..., rank: _Optional[int] = ..., host: _Optional[str] = ...) -> None: ...
