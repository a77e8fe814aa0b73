"""standardise: (x − mean) / deviation, of the training data; a deviation of 0 counts as 1.

    field    of numbers
    per      element (every number of a sample by itself), channel (the last axis), or all
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import choice
from bpcore.fields import Field
from worker.transforms import Transform


@dataclass(frozen=True, kw_only=True)
class Standardise(Transform):
    per: str = choice("element", "channel", "all")

    def after(self, fields):
        return dict(fields) | {self.field: Field(self.numbers(fields).shape)}

    def learn(self, batches, fields):
        axes = self._axes(len(fields[self.field].shape))
        parts = lambda: (batch[self.field].astype(np.float64) for batch in batches())  # noqa: E731
        count = sum(part.size / part.mean(axis=axes).size for part in parts())
        mean = sum(part.sum(axis=axes) for part in parts()) / count
        variance = sum(((part - np.expand_dims(mean, axes))**2).sum(axis=axes) for part in parts()) / count
        return {"mean": mean.tolist(), "deviation": np.where(variance > 0, np.sqrt(variance), 1).tolist()}

    def apply(self, batch, learned):
        x = batch[self.field]
        axes = self._axes(x.ndim - 1)
        mean, deviation = (np.expand_dims(np.array(learned[name], np.float32), axes) for name in ("mean", "deviation"))
        return {**batch, self.field: (x.astype(np.float32) - mean) / deviation}

    def _axes(self, rank: int) -> tuple[int, ...]:
        """Over which axes of a batch there is one number."""
        return {"element": (0,), "channel": tuple(range(rank)), "all": tuple(range(rank + 1))}[self.per]
