"""python -m worker.inference.predict FOLDER --data-root DIR: predicts with a run's newest checkpoint for as long as it is asked.

1. Standard input is requests, standard output what is answered to each, as frames: a mark, a length, as many bytes.
   A request is an encoded PredictRequest (R) or GenerateRequest (G); its answers are encoded PredictResponses or
   GenerateResponses (A), the last frame ends them (.) or says what is wrong, as JSON: problems (P) or a sentence (U).
2. It ends with its input, so it never outlives who asks.
3. A checkpoint is read again when there is a newer one.
"""

import argparse
import json
import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bpcore.errors import BptrainError, InvalidInput, Problem, expected
from bptrain.v1.predict_service_pb2 import Answer, GenerateRequest, GenerateResponse, PredictRequest, PredictResponse, Share
from worker.errors import BadSample
from worker.inference.answers import Answers
from worker.inference.generating import Writer
from worker.inference.predicting import Predictor
from worker.record import checkpoint
from worker.record.rundir import RunDir

HEAD = struct.Struct("<cI")
REQUEST, GENERATE, ANSWER, END, PROBLEMS, UNAVAILABLE = b"R", b"G", b"A", b".", b"P", b"U"
BATCH, LARGEST_BATCH, MOST_LIKELIEST = 256, 4096, 100
LENGTH, LONGEST, TEMPERATURE = 200, 10_000, 0.8
MOST_BYTES = 256 << 10  # of outputs in one answer; as words they are four times that
NICENESS = 10  # those who train go first


class Oracle:
    def __init__(self, folder: RunDir, data_root: Path):
        self._folder, self._data_root, self._predictor, self._newest = folder, data_root, None, -1

    def answers(self, request: PredictRequest) -> Iterator[PredictResponse]:
        """Raises BptrainError."""
        self._look()
        if not request.content:
            yield from self._of(request.data, self._data_root, request)
            return
        name = request.file or "samples"
        if Path(name).name != name or name == ".." or "\0" in name:
            raise InvalidInput([Problem("file", expected("the plain name of a file", name))])
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(request.content)
            yield from self._of(request.data or name, Path(folder), request)

    def written(self, request: GenerateRequest) -> Iterator[GenerateResponse]:
        """Raises BptrainError."""
        self._look()
        temperature = request.temperature if request.HasField("temperature") else TEMPERATURE
        for text in Writer.tried(self._predictor).text(request.prompt, min(request.length or LENGTH, LONGEST), temperature, request.seed):
            yield GenerateResponse(text=text, step=self._predictor.step)

    def _look(self) -> None:
        newest = checkpoint.newest(self._folder.checkpoints)
        if self._predictor is None or newest != self._newest:
            self._predictor, self._newest = Predictor.of(self._folder), newest

    def _of(self, given: str, root: Path, request: PredictRequest) -> Iterator[PredictResponse]:
        predictor = self._predictor
        head = predictor.model.spec.heads[0]
        shape = predictor.model.spec.output(head)
        most = max(1, MOST_BYTES // (4 * int(np.prod(shape)) or 1))
        told = _told(predictor, head, shape)
        for samples, outputs in predictor.outputs(predictor.open(given, root), min(request.batch_size or BATCH, LARGEST_BATCH, most)):
            answers = list(_answers(told, outputs, min(request.likeliest, MOST_LIKELIEST))) if told else ()
            yield PredictResponse(samples=samples, columns=told.columns if told else (), answers=answers, shape=shape,
                                  outputs=outputs.astype("<f4").tobytes(), step=predictor.step)


def _answers(told: Answers, outputs: np.ndarray, most: int) -> Iterator[Answer]:
    for row, likeliest in zip(told.rows(outputs), told.likeliest(outputs, most)):
        yield Answer(values=map(str, row), likeliest=[Share(name=str(name), probability=share) for name, share in likeliest])


def _told(predictor: Predictor, head: object, shape: tuple[int, ...]) -> Answers | None:
    """How outputs are told to people; None where there is too much to tell."""
    loss = type(head.loss).__module__.rpartition(".")[2]
    try:
        return Answers(loss, shape, predictor.learned.get("data", {}), getattr(head.loss, "blank", 0), head.target)
    except InvalidInput:
        return None


def read(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """One frame; None at the end."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    mark, length = HEAD.unpack(head)
    return mark, stream.read(length)


def write(stream: BinaryIO, mark: bytes, content: bytes = b"") -> None:
    stream.write(HEAD.pack(mark, len(content)) + content)
    stream.flush()


def serve(oracle: Oracle, requests: BinaryIO, answers: BinaryIO) -> None:
    calls = {REQUEST: (PredictRequest, oracle.answers), GENERATE: (GenerateRequest, oracle.written)}
    while frame := read(requests):
        try:
            kind, answered = calls[frame[0]]
            for answer in answered(kind.FromString(frame[1])):
                write(answers, ANSWER, answer.SerializeToString())
            write(answers, END)
        except InvalidInput as error:
            write(answers, PROBLEMS, json.dumps([astuple(problem) for problem in error.problems]).encode())
        except BadSample as error:
            write(answers, PROBLEMS, json.dumps([astuple(Problem("data", str(error)))]).encode())
        except BptrainError as error:
            write(answers, UNAVAILABLE, json.dumps(str(error)).encode())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m worker.inference.predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the run's")
    parser.add_argument("--data-root", type=Path, default=Path())
    chosen = parser.parse_args()
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(Oracle(RunDir(chosen.folder), chosen.data_root), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
