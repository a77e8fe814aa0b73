from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobSpec(_message.Message):
    __slots__ = ("name", "data", "model", "loss", "metrics", "optimizer", "batch_size", "epochs", "seed", "ranks", "logical_shards", "threads_per_rank", "checkpoint", "losses", "schedule", "regularization", "clipping", "groups", "weight_average", "early_stopping", "start", "diagnose_every", "reduction", "shared_memory", "recovery", "labels", "priority", "time_limit_s", "deadline", "retry", "sample", "folds", "fold")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
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
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    REGULARIZATION_FIELD_NUMBER: _ClassVar[int]
    CLIPPING_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_AVERAGE_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOPPING_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSE_EVERY_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_S_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    FOLD_FIELD_NUMBER: _ClassVar[int]
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
    losses: _containers.RepeatedCompositeFieldContainer[Head]
    schedule: Component
    regularization: Regularization
    clipping: Clipping
    groups: _containers.RepeatedCompositeFieldContainer[Group]
    weight_average: float
    early_stopping: EarlyStopping
    start: Start
    diagnose_every: int
    reduction: Component
    shared_memory: bool
    recovery: Recovery
    labels: _containers.ScalarMap[str, str]
    priority: int
    time_limit_s: float
    deadline: str
    retry: Retry
    sample: Writing
    folds: int
    fold: int
    def __init__(self, name: _Optional[str] = ..., data: _Optional[_Union[Data, _Mapping]] = ..., model: _Optional[_Union[Model, _Mapping]] = ..., loss: _Optional[_Union[Component, _Mapping]] = ..., metrics: _Optional[_Iterable[_Union[Component, _Mapping]]] = ..., optimizer: _Optional[_Union[Component, _Mapping]] = ..., batch_size: _Optional[int] = ..., epochs: _Optional[int] = ..., seed: _Optional[int] = ..., ranks: _Optional[int] = ..., logical_shards: _Optional[int] = ..., threads_per_rank: _Optional[int] = ..., checkpoint: _Optional[_Union[Checkpointing, _Mapping]] = ..., losses: _Optional[_Iterable[_Union[Head, _Mapping]]] = ..., schedule: _Optional[_Union[Component, _Mapping]] = ..., regularization: _Optional[_Union[Regularization, _Mapping]] = ..., clipping: _Optional[_Union[Clipping, _Mapping]] = ..., groups: _Optional[_Iterable[_Union[Group, _Mapping]]] = ..., weight_average: _Optional[float] = ..., early_stopping: _Optional[_Union[EarlyStopping, _Mapping]] = ..., start: _Optional[_Union[Start, _Mapping]] = ..., diagnose_every: _Optional[int] = ..., reduction: _Optional[_Union[Component, _Mapping]] = ..., shared_memory: _Optional[bool] = ..., recovery: _Optional[_Union[Recovery, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., priority: _Optional[int] = ..., time_limit_s: _Optional[float] = ..., deadline: _Optional[str] = ..., retry: _Optional[_Union[Retry, _Mapping]] = ..., sample: _Optional[_Union[Writing, _Mapping]] = ..., folds: _Optional[int] = ..., fold: _Optional[int] = ...) -> None: ...

class Writing(_message.Message):
    __slots__ = ("prompt", "length", "temperature")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    length: int
    temperature: float
    def __init__(self, prompt: _Optional[str] = ..., length: _Optional[int] = ..., temperature: _Optional[float] = ...) -> None: ...

class Retry(_message.Message):
    __slots__ = ("times", "wait_s", "factor")
    TIMES_FIELD_NUMBER: _ClassVar[int]
    WAIT_S_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    times: int
    wait_s: float
    factor: float
    def __init__(self, times: _Optional[int] = ..., wait_s: _Optional[float] = ..., factor: _Optional[float] = ...) -> None: ...

class Recovery(_message.Message):
    __slots__ = ("deadline_s", "keep_s", "restarts")
    DEADLINE_S_FIELD_NUMBER: _ClassVar[int]
    KEEP_S_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    deadline_s: float
    keep_s: float
    restarts: int
    def __init__(self, deadline_s: _Optional[float] = ..., keep_s: _Optional[float] = ..., restarts: _Optional[int] = ...) -> None: ...

class Start(_message.Message):
    __slots__ = ("path", "names", "torch")
    class NamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PATH_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    TORCH_FIELD_NUMBER: _ClassVar[int]
    path: str
    names: _containers.ScalarMap[str, str]
    torch: bool
    def __init__(self, path: _Optional[str] = ..., names: _Optional[_Mapping[str, str]] = ..., torch: _Optional[bool] = ...) -> None: ...

class Head(_message.Message):
    __slots__ = ("loss", "output", "target", "weight", "scale", "metrics")
    LOSS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    loss: Component
    output: str
    target: str
    weight: str
    scale: float
    metrics: _containers.RepeatedCompositeFieldContainer[Component]
    def __init__(self, loss: _Optional[_Union[Component, _Mapping]] = ..., output: _Optional[str] = ..., target: _Optional[str] = ..., weight: _Optional[str] = ..., scale: _Optional[float] = ..., metrics: _Optional[_Iterable[_Union[Component, _Mapping]]] = ...) -> None: ...

class Regularization(_message.Message):
    __slots__ = ("l1", "l2", "weight_decay", "max_norm", "exclude")
    L1_FIELD_NUMBER: _ClassVar[int]
    L2_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MAX_NORM_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    l1: float
    l2: float
    weight_decay: float
    max_norm: float
    exclude: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, l1: _Optional[float] = ..., l2: _Optional[float] = ..., weight_decay: _Optional[float] = ..., max_norm: _Optional[float] = ..., exclude: _Optional[_Iterable[str]] = ...) -> None: ...

class Clipping(_message.Message):
    __slots__ = ("value", "norm", "global_norm")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NORM_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_NORM_FIELD_NUMBER: _ClassVar[int]
    value: float
    norm: float
    global_norm: float
    def __init__(self, value: _Optional[float] = ..., norm: _Optional[float] = ..., global_norm: _Optional[float] = ...) -> None: ...

class Group(_message.Message):
    __slots__ = ("match", "learning_rate_scale", "weight_decay", "frozen", "frozen_epochs")
    MATCH_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_SCALE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    FROZEN_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    match: str
    learning_rate_scale: float
    weight_decay: float
    frozen: bool
    frozen_epochs: int
    def __init__(self, match: _Optional[str] = ..., learning_rate_scale: _Optional[float] = ..., weight_decay: _Optional[float] = ..., frozen: _Optional[bool] = ..., frozen_epochs: _Optional[int] = ...) -> None: ...

class EarlyStopping(_message.Message):
    __slots__ = ("patience", "min_delta")
    PATIENCE_FIELD_NUMBER: _ClassVar[int]
    MIN_DELTA_FIELD_NUMBER: _ClassVar[int]
    patience: int
    min_delta: float
    def __init__(self, patience: _Optional[int] = ..., min_delta: _Optional[float] = ...) -> None: ...

class Data(_message.Message):
    __slots__ = ("train", "eval", "transforms", "balance", "environment")
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    EVAL_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    train: Component
    eval: Component
    transforms: _containers.RepeatedCompositeFieldContainer[Component]
    balance: str
    environment: Component
    def __init__(self, train: _Optional[_Union[Component, _Mapping]] = ..., eval: _Optional[_Union[Component, _Mapping]] = ..., transforms: _Optional[_Iterable[_Union[Component, _Mapping]]] = ..., balance: _Optional[str] = ..., environment: _Optional[_Union[Component, _Mapping]] = ...) -> None: ...

class Component(_message.Message):
    __slots__ = ("kind", "attributes")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    attributes: _struct_pb2.Struct
    def __init__(self, kind: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("input", "layers", "inputs")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Input
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Input, _Mapping]] = ...) -> None: ...
    INPUT_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    input: _containers.RepeatedScalarFieldContainer[int]
    layers: _containers.RepeatedCompositeFieldContainer[Layer]
    inputs: _containers.MessageMap[str, Input]
    def __init__(self, input: _Optional[_Iterable[int]] = ..., layers: _Optional[_Iterable[_Union[Layer, _Mapping]]] = ..., inputs: _Optional[_Mapping[str, Input]] = ...) -> None: ...

class Input(_message.Message):
    __slots__ = ("shape", "integer", "field")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    integer: bool
    field: str
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., integer: _Optional[bool] = ..., field: _Optional[str] = ...) -> None: ...

class Layer(_message.Message):
    __slots__ = ("kind", "attributes", "name", "inputs", "share")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    attributes: _struct_pb2.Struct
    name: str
    inputs: _containers.RepeatedScalarFieldContainer[str]
    share: str
    def __init__(self, kind: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., name: _Optional[str] = ..., inputs: _Optional[_Iterable[str]] = ..., share: _Optional[str] = ...) -> None: ...

class Checkpointing(_message.Message):
    __slots__ = ("every_steps", "every_s", "keep", "keep_best")
    EVERY_STEPS_FIELD_NUMBER: _ClassVar[int]
    EVERY_S_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    KEEP_BEST_FIELD_NUMBER: _ClassVar[int]
    every_steps: int
    every_s: float
    keep: int
    keep_best: bool
    def __init__(self, every_steps: _Optional[int] = ..., every_s: _Optional[float] = ..., keep: _Optional[int] = ..., keep_best: _Optional[bool] = ...) -> None: ...
