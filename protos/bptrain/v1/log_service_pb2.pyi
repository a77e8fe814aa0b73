from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ReadLogsRequest(_message.Message):
    __slots__ = ("job_id", "offset_bytes", "follow")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    offset_bytes: int
    follow: bool
    def __init__(self, job_id: _Optional[str] = ..., offset_bytes: _Optional[int] = ..., follow: _Optional[bool] = ...) -> None: ...

class ReadLogsResponse(_message.Message):
    __slots__ = ("text", "offset_bytes", "ended")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    text: str
    offset_bytes: int
    ended: bool
    def __init__(self, text: _Optional[str] = ..., offset_bytes: _Optional[int] = ..., ended: _Optional[bool] = ...) -> None: ...
