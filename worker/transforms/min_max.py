"""min_max: numbers moved so that the training data goes from `low` to `high`; others may lie outside.

    field    of numbers
    per      element (every number of a sample by itself), channel (the last axis), or all
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import choice, number
from bpcore.fields import Field
from worker.transforms import Transform


@dataclass(frozen=True, kw_only=True)
class MinMax(Transform):
    per: str = choice("element", "channel", "all")
    low: float = number(0.0)
    high: float = number(1.0)

    def after(self, fields):
        return dict(fields) | {self.field: Field(self.numbers(fields).shape)}

    def learn(self, batches, fields):
        axes = self._axes(len(fields[self.field].shape))
        least, most = np.inf, -np.inf
        for batch in batches():
            least, most = np.minimum(least, batch[self.field].min(axis=axes)), np.maximum(most, batch[self.field].max(axis=axes))
        return {"least": np.asarray(least, float).tolist(), "most": np.asarray(most, float).tolist()}

    def apply(self, batch, learned):
        x = batch[self.field].astype(np.float32)
        least, most = (np.expand_dims(np.array(learned[name], np.float32), self._axes(x.ndim - 1)) for name in ("least", "most"))
        span = np.where(most > least, most - least, np.float32(1))
        return {**batch, self.field: np.float32(self.low) + (x - least) / span * np.float32(self.high - self.low)}

    def _axes(self, rank: int) -> tuple[int, ...]:
        """Over which axes of a batch there is one number."""
        return {"element": (0,), "channel": tuple(range(rank)), "all": tuple(range(rank + 1))}[self.per]
