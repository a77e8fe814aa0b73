from bptrain.v1 import job_service_pb2 as _job_service_pb2
from bptrain.v1 import job_pb2 as _job_pb2
from bptrain.v1 import report_pb2 as _report_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListSeriesRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ListSeriesResponse(_message.Message):
    __slots__ = ("series",)
    SERIES_FIELD_NUMBER: _ClassVar[int]
    series: _containers.RepeatedCompositeFieldContainer[Series]
    def __init__(self, series: _Optional[_Iterable[_Union[Series, _Mapping]]] = ...) -> None: ...

class Series(_message.Message):
    __slots__ = ("name", "points", "last_step", "last_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    LAST_STEP_FIELD_NUMBER: _ClassVar[int]
    LAST_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    points: int
    last_step: int
    last_value: float
    def __init__(self, name: _Optional[str] = ..., points: _Optional[int] = ..., last_step: _Optional[int] = ..., last_value: _Optional[float] = ...) -> None: ...

class QueryMetricsRequest(_message.Message):
    __slots__ = ("job_ids", "series", "max_points", "first_step", "last_step")
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    MAX_POINTS_FIELD_NUMBER: _ClassVar[int]
    FIRST_STEP_FIELD_NUMBER: _ClassVar[int]
    LAST_STEP_FIELD_NUMBER: _ClassVar[int]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    series: _containers.RepeatedScalarFieldContainer[str]
    max_points: int
    first_step: int
    last_step: int
    def __init__(self, job_ids: _Optional[_Iterable[str]] = ..., series: _Optional[_Iterable[str]] = ..., max_points: _Optional[int] = ..., first_step: _Optional[int] = ..., last_step: _Optional[int] = ...) -> None: ...

class QueryMetricsResponse(_message.Message):
    __slots__ = ("curves",)
    CURVES_FIELD_NUMBER: _ClassVar[int]
    curves: _containers.RepeatedCompositeFieldContainer[Curve]
    def __init__(self, curves: _Optional[_Iterable[_Union[Curve, _Mapping]]] = ...) -> None: ...

class Curve(_message.Message):
    __slots__ = ("series", "steps", "values", "total_points", "job_id")
    SERIES_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_POINTS_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    series: str
    steps: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    total_points: int
    job_id: str
    def __init__(self, series: _Optional[str] = ..., steps: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., total_points: _Optional[int] = ..., job_id: _Optional[str] = ...) -> None: ...

class ExportMetricsRequest(_message.Message):
    __slots__ = ("job_id", "series", "format")
    class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FORMAT_UNSPECIFIED: _ClassVar[ExportMetricsRequest.Format]
        FORMAT_CSV: _ClassVar[ExportMetricsRequest.Format]
        FORMAT_JSON_LINES: _ClassVar[ExportMetricsRequest.Format]
    FORMAT_UNSPECIFIED: ExportMetricsRequest.Format
    FORMAT_CSV: ExportMetricsRequest.Format
    FORMAT_JSON_LINES: ExportMetricsRequest.Format
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    series: _containers.RepeatedScalarFieldContainer[str]
    format: ExportMetricsRequest.Format
    def __init__(self, job_id: _Optional[str] = ..., series: _Optional[_Iterable[str]] = ..., format: _Optional[_Union[ExportMetricsRequest.Format, str]] = ...) -> None: ...

class ExportMetricsResponse(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    def __init__(self, content: _Optional[bytes] = ...) -> None: ...

class WatchMetricsRequest(_message.Message):
    __slots__ = ("job_id", "cursor", "most_behind")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    MOST_BEHIND_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    cursor: str
    most_behind: int
    def __init__(self, job_id: _Optional[str] = ..., cursor: _Optional[str] = ..., most_behind: _Optional[int] = ...) -> None: ...

class WatchMetricsResponse(_message.Message):
    __slots__ = ("cursor", "cursor_before", "transition", "started", "points", "bookmark", "ended", "checkpoint", "crew", "checkpoint_failed", "epoch", "gap", "pace", "sample", "compiling")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CURSOR_BEFORE_FIELD_NUMBER: _ClassVar[int]
    TRANSITION_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    BOOKMARK_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    CREW_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FAILED_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    PACE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    COMPILING_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    cursor_before: str
    transition: _job_pb2.Transition
    started: _report_pb2.AttemptStarted
    points: _report_pb2.Points
    bookmark: Bookmark
    ended: JobEnded
    checkpoint: _report_pb2.CheckpointWritten
    crew: _report_pb2.CrewChanged
    checkpoint_failed: _report_pb2.CheckpointFailed
    epoch: _report_pb2.EpochEnded
    gap: Gap
    pace: _report_pb2.Pace
    sample: _report_pb2.Sample
    compiling: _report_pb2.Compiling
    def __init__(self, cursor: _Optional[str] = ..., cursor_before: _Optional[str] = ..., transition: _Optional[_Union[_job_pb2.Transition, _Mapping]] = ..., started: _Optional[_Union[_report_pb2.AttemptStarted, _Mapping]] = ..., points: _Optional[_Union[_report_pb2.Points, _Mapping]] = ..., bookmark: _Optional[_Union[Bookmark, _Mapping]] = ..., ended: _Optional[_Union[JobEnded, _Mapping]] = ..., checkpoint: _Optional[_Union[_report_pb2.CheckpointWritten, _Mapping]] = ..., crew: _Optional[_Union[_report_pb2.CrewChanged, _Mapping]] = ..., checkpoint_failed: _Optional[_Union[_report_pb2.CheckpointFailed, _Mapping]] = ..., epoch: _Optional[_Union[_report_pb2.EpochEnded, _Mapping]] = ..., gap: _Optional[_Union[Gap, _Mapping]] = ..., pace: _Optional[_Union[_report_pb2.Pace, _Mapping]] = ..., sample: _Optional[_Union[_report_pb2.Sample, _Mapping]] = ..., compiling: _Optional[_Union[_report_pb2.Compiling, _Mapping]] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("first_step", "last_step", "rows")
    FIRST_STEP_FIELD_NUMBER: _ClassVar[int]
    LAST_STEP_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    first_step: int
    last_step: int
    rows: int
    def __init__(self, first_step: _Optional[int] = ..., last_step: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class Bookmark(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class JobEnded(_message.Message):
    __slots__ = ("state", "cause", "digest")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    state: _job_pb2.JobState
    cause: str
    digest: str
    def __init__(self, state: _Optional[_Union[_job_pb2.JobState, str]] = ..., cause: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...
