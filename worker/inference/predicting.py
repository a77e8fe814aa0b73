"""A trained model's outputs for samples: with the parameters of a run's newest whole checkpoint, and what was learned of the
training data beside them; that data itself is not needed.

1. Samples go the way of held-out ones: what the training has learned is used, nothing is random.
2. Fields that only a loss needs (y, weights) may be missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bpcore.arena import Vector
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.model import Model
from bpcore.optimization.update import Updater
from bptrain.v1.spec_pb2 import JobSpec
from worker.data.transformed import Transformed, of_known, what_is_there
from worker.datasets import FORMATS, DataRoot, Dataset, Format
from worker.jobs import jobfile, opening, specs
from worker.node.replica import Buffer
from worker.record.checkpoint import load_newest
from worker.record.rundir import RunDir


@dataclass(frozen=True)
class Predictor:
    """`step`: steps done by the checkpoint; `learned`: of the training data (worker/record/checkpoint.py)."""

    spec: JobSpec
    model: Model
    parameters: Vector
    learned: Mapping[str, Any]
    step: int

    @classmethod
    def of(cls, folder: RunDir) -> "Predictor":
        """Raises Unavailable where there is no whole checkpoint."""
        spec, problems = jobfile.read(folder.job)
        if problems:
            raise InvalidInput(problems)
        model = Model(specs.parse_maths(spec))
        updater = Updater(model.spec, model.layout)
        buffer = Buffer.zeros(model.layout, updater)
        loaded = load_newest(folder.checkpoints, buffer, specs.fingerprint(spec))
        return cls(spec, model, updater.evaluated(buffer.parameters, buffer.state), loaded.learned, loaded.step)

    def open(self, given: str, data_root: Path) -> Dataset:
        """`given`: train or eval, the job's own data, of a fold what it was trained on or held out; a data set as in a job file, {npz: {path: new.npz}}; or a file or
        folder to be read as the training data was. Raises InvalidInput."""
        learned, root, known = self.learned.get("data", {}), DataRoot(data_root), jobfile.plain(self.spec)["data"]
        is_own = given in known and given in ("train", "eval") or given == "eval" and self.spec.folds
        data = opening.part(self.spec, given, root, learned) if is_own else self._format(given, known).open_with(root, learned)
        transforms = opening.transforms(self.spec)
        if transforms:
            data = Transformed(data, of_known(transforms, self.learned["transforms"], data, self.spec.seed))
        if problems := self.model.spec.sample_problems(data.fields):
            raise InvalidInput(problems)
        return data

    def outputs(self, data: Dataset, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(indices of some samples, the first head's output for each). Raises BadSample, or leaves samples out, as the data
        set says."""
        for start in range(0, len(data), batch_size):
            batch, indices = what_is_there(data, np.arange(start, min(start + batch_size, len(data))))
            if len(indices):
                yield indices, self.model.predict(self.parameters, batch)

    def _format(self, given: str, own: Mapping[str, Any]) -> Format:
        if not given.lstrip().startswith("{"):
            if "train" not in own:
                raise InvalidInput([Problem("data", expected("a data set such as {npz: {path: new.npz}}, as the job plays for its samples", given))])
            return FORMATS.build(own["train"]).elsewhere(given)
        try:
            return FORMATS.build(yaml.safe_load(given))
        except yaml.YAMLError:
            raise InvalidInput([Problem("data", "expected a path, train, eval, or a data set such as {npz: {path: new.npz}}")]) from None
