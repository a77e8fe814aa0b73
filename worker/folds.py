"""Cross-validation: one fold of the training data is held out, all others are trained on.

Which samples a fold has follows from their number and the job's seed alone. Folds differ by one sample in size, at most.
Source: Stone, "Cross-validatory choice and assessment of statistical predictions", J. R. Statist. Soc. B 36 (1974).
"""

import numpy as np

from bpcore import rng
from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1.spec_pb2 import JobSpec
from worker.datasets import Dataset
from worker.shards import part
from worker.sources.split import Subset


def problems(spec: JobSpec) -> list[Problem]:
    """What is wrong with what a job says of folds."""
    found = []
    if spec.fold and not spec.folds:
        found.append(Problem("fold", expected("folds, of which this is one", spec.fold, "say how many there are")))
    if spec.folds == 1:
        found.append(Problem("folds", expected("at least 2", 1)))
    if spec.folds > 1 and not 1 <= spec.fold <= spec.folds:
        found.append(Problem("fold", expected(f"1 to {spec.folds}, the fold that is held out", spec.fold,
                                              "`bptrain run` trains all of them, one after the other")))
    if spec.folds and spec.data.HasField("eval"):
        found.append(Problem("data.eval", "expected none with folds, as each fold is held out in its turn; leave one out"))
    return found


def divide(data: Dataset, folds: int, fold: int, seed: int) -> tuple[Dataset, Dataset]:
    """(all but that fold, the fold). Raises InvalidInput where there are fewer samples than folds."""
    if folds > len(data):
        raise InvalidInput([Problem("folds", expected(f"at most {len(data)}, the number of samples", folds))])
    order = rng.permutation(len(data), seed, rng.SPLIT)
    held_out = np.zeros(len(data), bool)
    held_out[order[part(slice(0, len(data)), folds, fold - 1)]] = True
    return Subset(data, np.flatnonzero(~held_out)), Subset(data, np.flatnonzero(held_out))
