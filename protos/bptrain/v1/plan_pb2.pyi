from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunPlan(_message.Message):
    __slots__ = ("job_id", "attempt", "token", "logical_shards", "assignments", "run", "folder")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOGICAL_SHARDS_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    attempt: int
    token: str
    logical_shards: int
    assignments: _containers.RepeatedCompositeFieldContainer[Assignment]
    run: str
    folder: str
    def __init__(self, job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[str] = ..., logical_shards: _Optional[int] = ..., assignments: _Optional[_Iterable[_Union[Assignment, _Mapping]]] = ..., run: _Optional[str] = ..., folder: _Optional[str] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("shards",)
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    shards: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, shards: _Optional[_Iterable[int]] = ...) -> None: ...
