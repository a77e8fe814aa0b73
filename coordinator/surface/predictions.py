"""What a job's model says of samples, and what it writes."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from bptrain.v1 import predict_service_pb2 as predict
from bptrain.v1.predict_service_pb2_grpc import PredictServiceStub
from coordinator import answers
from coordinator.answers import Predicted
from coordinator.surface.asking import Asking


class Predictions(Asking):
    """By the newest checkpoint, also while the job trains."""

    @cached_property
    def _predictions(self) -> PredictServiceStub:
        return PredictServiceStub(self._channel)

    def predict(self, job_id: str, data: str | Path | Mapping[str, Any] = "eval", batch_size: int = 0,
                likeliest: int = 0) -> Iterator[Predicted]:
        """What the newest checkpoint says of samples, batch by batch. `data`: train, eval, a file or folder below the
        coordinator's data root, or a data set as in a job file; a Path is a file of yours, which is sent along; a mapping
        is arrays by field, (samples, …). `likeliest`: so many classes beside each answer. Raises InvalidInput, Refusal CHECKPOINT_NOT_FOUND."""
        request = predict.PredictRequest(job_id=job_id, batch_size=batch_size, likeliest=likeliest)
        if isinstance(data, Path):
            request.content, request.file = data.read_bytes(), data.name
        elif isinstance(data, Mapping):
            request.content, request.file, request.data = answers.archive(data), "samples.npz", "{npz: {path: samples.npz}}"
        else:
            request.data = data
        return self._pieces(self._predictions.Predict, request, Predicted.of)

    def generate(self, job_id: str, prompt: str, length: int = 200, temperature: float = 0.8, seed: int = 0) -> Iterator[str]:
        """Text by a model of what comes next, behind the prompt, piece by piece as it is written. `length`: units (characters, by
        custom), 10000 at most; `temperature`: below 1 likely ones come more often, 0: always the likeliest; `seed`: what is drawn,
        again the same. Raises InvalidInput, Refusal CHECKPOINT_NOT_FOUND."""
        request = predict.GenerateRequest(job_id=job_id, prompt=prompt, length=length, temperature=temperature, seed=seed)
        return self._pieces(self._predictions.Generate, request, lambda piece: piece.text)
