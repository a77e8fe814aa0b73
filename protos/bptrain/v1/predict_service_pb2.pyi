from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PredictRequest(_message.Message):
    __slots__ = ("job_id", "data", "content", "file", "batch_size", "likeliest")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    LIKELIEST_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    data: str
    content: bytes
    file: str
    batch_size: int
    likeliest: int
    def __init__(self, job_id: _Optional[str] = ..., data: _Optional[str] = ..., content: _Optional[bytes] = ..., file: _Optional[str] = ..., batch_size: _Optional[int] = ..., likeliest: _Optional[int] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("samples", "columns", "answers", "shape", "outputs", "step")
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    samples: _containers.RepeatedScalarFieldContainer[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    answers: _containers.RepeatedCompositeFieldContainer[Answer]
    shape: _containers.RepeatedScalarFieldContainer[int]
    outputs: bytes
    step: int
    def __init__(self, samples: _Optional[_Iterable[int]] = ..., columns: _Optional[_Iterable[str]] = ..., answers: _Optional[_Iterable[_Union[Answer, _Mapping]]] = ..., shape: _Optional[_Iterable[int]] = ..., outputs: _Optional[bytes] = ..., step: _Optional[int] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("values", "likeliest")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    LIKELIEST_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    likeliest: _containers.RepeatedCompositeFieldContainer[Share]
    def __init__(self, values: _Optional[_Iterable[str]] = ..., likeliest: _Optional[_Iterable[_Union[Share, _Mapping]]] = ...) -> None: ...

class Share(_message.Message):
    __slots__ = ("name", "probability")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    probability: float
    def __init__(self, name: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("job_id", "prompt", "length", "temperature", "seed")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    prompt: str
    length: int
    temperature: float
    seed: int
    def __init__(self, job_id: _Optional[str] = ..., prompt: _Optional[str] = ..., length: _Optional[int] = ..., temperature: _Optional[float] = ..., seed: _Optional[int] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("text", "step")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    text: str
    step: int
    def __init__(self, text: _Optional[str] = ..., step: _Optional[int] = ...) -> None: ...
