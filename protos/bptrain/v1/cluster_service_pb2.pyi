from bptrain.v1 import job_service_pb2 as _job_service_pb2
from bptrain.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "versions", "time", "slots", "limits", "features")
    class VersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    version: str
    versions: _containers.ScalarMap[str, str]
    time: float
    slots: int
    limits: ServerLimits
    features: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[str] = ..., versions: _Optional[_Mapping[str, str]] = ..., time: _Optional[float] = ..., slots: _Optional[int] = ..., limits: _Optional[_Union[ServerLimits, _Mapping]] = ..., features: _Optional[_Iterable[str]] = ...) -> None: ...

class ServerLimits(_message.Message):
    __slots__ = ("queued_jobs", "token_queued_jobs", "token_slots", "streams", "message_bytes", "page_size", "wait_s", "request_id_s", "deleted_s", "audit_s", "audit_records", "token_streams")
    QUEUED_JOBS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_QUEUED_JOBS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_SLOTS_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    WAIT_S_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_S_FIELD_NUMBER: _ClassVar[int]
    DELETED_S_FIELD_NUMBER: _ClassVar[int]
    AUDIT_S_FIELD_NUMBER: _ClassVar[int]
    AUDIT_RECORDS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_STREAMS_FIELD_NUMBER: _ClassVar[int]
    queued_jobs: int
    token_queued_jobs: int
    token_slots: int
    streams: int
    message_bytes: int
    page_size: int
    wait_s: float
    request_id_s: float
    deleted_s: float
    audit_s: float
    audit_records: int
    token_streams: int
    def __init__(self, queued_jobs: _Optional[int] = ..., token_queued_jobs: _Optional[int] = ..., token_slots: _Optional[int] = ..., streams: _Optional[int] = ..., message_bytes: _Optional[int] = ..., page_size: _Optional[int] = ..., wait_s: _Optional[float] = ..., request_id_s: _Optional[float] = ..., deleted_s: _Optional[float] = ..., audit_s: _Optional[float] = ..., audit_records: _Optional[int] = ..., token_streams: _Optional[int] = ...) -> None: ...

class GetQueueRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetQueueResponse(_message.Message):
    __slots__ = ("slots", "free_slots", "running", "waiting")
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    FREE_SLOTS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    slots: int
    free_slots: int
    running: _containers.RepeatedCompositeFieldContainer[QueueEntry]
    waiting: _containers.RepeatedCompositeFieldContainer[QueueEntry]
    def __init__(self, slots: _Optional[int] = ..., free_slots: _Optional[int] = ..., running: _Optional[_Iterable[_Union[QueueEntry, _Mapping]]] = ..., waiting: _Optional[_Iterable[_Union[QueueEntry, _Mapping]]] = ...) -> None: ...

class QueueEntry(_message.Message):
    __slots__ = ("job_id", "name", "owner", "state", "ranks", "priority", "reason", "estimated_time")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_TIME_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    name: str
    owner: str
    state: _job_pb2.JobState
    ranks: int
    priority: int
    reason: str
    estimated_time: float
    def __init__(self, job_id: _Optional[str] = ..., name: _Optional[str] = ..., owner: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., ranks: _Optional[int] = ..., priority: _Optional[int] = ..., reason: _Optional[str] = ..., estimated_time: _Optional[float] = ...) -> None: ...

class RenderLaunchRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class RenderLaunchResponse(_message.Message):
    __slots__ = ("arguments", "line")
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    arguments: _containers.RepeatedScalarFieldContainer[str]
    line: str
    def __init__(self, arguments: _Optional[_Iterable[str]] = ..., line: _Optional[str] = ...) -> None: ...
