from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobSpec(_message.Message):
    __slots__ = ("name", "data", "model", "loss", "metrics", "optimizer", "batch_size", "epochs", "seed", "ranks", "logical_shards", "threads_per_rank", "checkpoint")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    RANKS_FIELD_NUMBER: _ClassVar[int]
    LOGICAL_SHARDS_FIELD_NUMBER: _ClassVar[int]
    THREADS_PER_RANK_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    name: str
    data: Data
    model: Model
    loss: Component
    metrics: _containers.RepeatedCompositeFieldContainer[Component]
    optimizer: Component
    batch_size: int
    epochs: int
    seed: int
    ranks: int
    logical_shards: int
    threads_per_rank: int
    checkpoint: Checkpointing
    def __init__(self, name: _Optional[str] = ..., data: _Optional[_Union[Data, _Mapping]] = ..., model: _Optional[_Union[Model, _Mapping]] = ..., loss: _Optional[_Union[Component, _Mapping]] = ..., metrics: _Optional[_Iterable[_Union[Component, _Mapping]]] = ..., optimizer: _Optional[_Union[Component, _Mapping]] = ..., batch_size: _Optional[int] = ..., epochs: _Optional[int] = ..., seed: _Optional[int] = ..., ranks: _Optional[int] = ..., logical_shards: _Optional[int] = ..., threads_per_rank: _Optional[int] = ..., checkpoint: _Optional[_Union[Checkpointing, _Mapping]] = ...) -> None: ...

class Data(_message.Message):
    __slots__ = ("train", "eval")
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    EVAL_FIELD_NUMBER: _ClassVar[int]
    train: Component
    eval: Component
    def __init__(self, train: _Optional[_Union[Component, _Mapping]] = ..., eval: _Optional[_Union[Component, _Mapping]] = ...) -> None: ...

class Component(_message.Message):
    __slots__ = ("kind", "attributes")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    attributes: _struct_pb2.Struct
    def __init__(self, kind: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("input", "layers")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    input: _containers.RepeatedScalarFieldContainer[int]
    layers: _containers.RepeatedCompositeFieldContainer[Layer]
    def __init__(self, input: _Optional[_Iterable[int]] = ..., layers: _Optional[_Iterable[_Union[Layer, _Mapping]]] = ...) -> None: ...

class Layer(_message.Message):
    __slots__ = ("kind", "attributes", "name", "inputs")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    attributes: _struct_pb2.Struct
    name: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., name: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ...) -> None: ...

class Checkpointing(_message.Message):
    __slots__ = ("every_steps", "every_s", "keep")
    EVERY_STEPS_FIELD_NUMBER: _ClassVar[int]
    EVERY_S_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    every_steps: int
    every_s: float
    keep: int
    def __init__(self, every_steps: _Optional[int] = ..., every_s: _Optional[float] = ..., keep: _Optional[int] = ...) -> None: ...
