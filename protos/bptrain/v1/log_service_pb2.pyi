from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LogLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOG_LEVEL_UNSPECIFIED: _ClassVar[LogLevel]
    LOG_LEVEL_INFO: _ClassVar[LogLevel]
    LOG_LEVEL_ERROR: _ClassVar[LogLevel]
LOG_LEVEL_UNSPECIFIED: LogLevel
LOG_LEVEL_INFO: LogLevel
LOG_LEVEL_ERROR: LogLevel

class LogFilter(_message.Message):
    __slots__ = ("ranks", "level", "contains", "match", "attempt")
    RANKS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    CONTAINS_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ranks: _containers.RepeatedScalarFieldContainer[int]
    level: LogLevel
    contains: str
    match: str
    attempt: int
    def __init__(self, ranks: _Optional[_Iterable[int]] = ..., level: _Optional[_Union[LogLevel, str]] = ..., contains: _Optional[str] = ..., match: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("text", "rank", "level", "attempt")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    text: str
    rank: int
    level: LogLevel
    attempt: int
    def __init__(self, text: _Optional[str] = ..., rank: _Optional[int] = ..., level: _Optional[_Union[LogLevel, str]] = ..., attempt: _Optional[int] = ...) -> None: ...

class ReadLogsRequest(_message.Message):
    __slots__ = ("job_id", "offset_bytes", "before", "page_size", "filter")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    offset_bytes: int
    before: bool
    page_size: int
    filter: LogFilter
    def __init__(self, job_id: _Optional[str] = ..., offset_bytes: _Optional[int] = ..., before: _Optional[bool] = ..., page_size: _Optional[int] = ..., filter: _Optional[_Union[LogFilter, _Mapping]] = ...) -> None: ...

class ReadLogsResponse(_message.Message):
    __slots__ = ("lines", "offset_bytes", "end_bytes", "more")
    LINES_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    END_BYTES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[LogLine]
    offset_bytes: int
    end_bytes: int
    more: bool
    def __init__(self, lines: _Optional[_Iterable[_Union[LogLine, _Mapping]]] = ..., offset_bytes: _Optional[int] = ..., end_bytes: _Optional[int] = ..., more: _Optional[bool] = ...) -> None: ...

class WatchLogsRequest(_message.Message):
    __slots__ = ("job_id", "offset_bytes", "filter")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    offset_bytes: int
    filter: LogFilter
    def __init__(self, job_id: _Optional[str] = ..., offset_bytes: _Optional[int] = ..., filter: _Optional[_Union[LogFilter, _Mapping]] = ...) -> None: ...

class WatchLogsResponse(_message.Message):
    __slots__ = ("lines", "offset_bytes", "ended")
    LINES_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[LogLine]
    offset_bytes: int
    ended: bool
    def __init__(self, lines: _Optional[_Iterable[_Union[LogLine, _Mapping]]] = ..., offset_bytes: _Optional[int] = ..., ended: _Optional[bool] = ...) -> None: ...
