"""Cross-validation: one fold of the training data is held out, all others are trained on.

Which samples a fold has follows from their number and the job's seed alone. Folds differ by one sample in size, at most; of
data with groups, by one group, and of windows over time a fold is a piece of each series. Where y is a class and there are no
groups, each class has its share in every fold (worker/sources/split.py).
Source: Stone, "Cross-validatory choice and assessment of statistical predictions", J. R. Statist. Soc. B 36 (1974).
"""

import numpy as np

from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1.spec_pb2 import JobSpec
from worker.datasets import Arrays, Dataset
from worker.sources.split import Fold, Subset


def problems(spec: JobSpec) -> list[Problem]:
    """What is wrong with what a job says of folds."""
    found = []
    if spec.fold and not spec.folds:
        found.append(Problem("fold", expected("folds, of which this is one", spec.fold, "say how many there are")))
    if spec.folds == 1:
        found.append(Problem("folds", expected("at least 2", 1)))
    if spec.folds > 1 and not 1 <= spec.fold <= spec.folds:
        found.append(Problem("fold", expected(f"1 to {spec.folds}, the fold that is held out", spec.fold,
                                              "a coordinator and `bptrain run` train all of them")))
    if spec.folds and spec.data.HasField("eval"):
        found.append(Problem("data.eval", "expected none with folds, as each fold is held out in its turn; leave one out"))
    return found


def of(spec: JobSpec, held_out: bool) -> Fold:
    """What is held out, or what is trained on."""
    return Fold(spec.folds, spec.fold, spec.seed, held_out)


def divide(data: Dataset, spec: JobSpec) -> tuple[Dataset, Dataset]:
    """(all but the fold, the fold), where the data's format knows of no parts. Raises InvalidInput where there are fewer
    samples than folds."""
    if spec.folds > len(data):
        raise InvalidInput([Problem("folds", expected(f"at most {len(data)}, the number of samples", spec.folds))])
    train, held_out = (Subset(data, of(spec, side).rows(len(data), _classes(data))) for side in (False, True))
    return train, held_out


def _classes(data: Dataset) -> np.ndarray | None:
    """y of each sample, where that is a class and known without reading all the others."""
    y = data.fields.get("y")
    return data.column("y") if isinstance(data, Arrays) and y and y.integer and not y.shape else None
