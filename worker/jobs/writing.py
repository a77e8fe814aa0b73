"""What a job asks to be written behind each epoch: checked, before anything is trained."""

import bpcore
from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1.spec_pb2 import Writing
from worker.datasets import Dataset
from worker.inference.alphabet import Alphabet, require_next

MOST = 10_000  # units; for more there is `bptrain generate`


def problems(asked: Writing, maths: bpcore.Spec, train: Dataset) -> list[Problem]:
    """What is wrong with it for this model and its data."""
    found = [Problem("length", expected(f"at most {MOST}", asked.length))] if asked.length > MOST else []
    try:
        require_next(maths)
        Alphabet.of(train.learned).numbers(asked.prompt)
    except InvalidInput as error:
        found += error.problems
    return [problem.under("sample") for problem in found]
