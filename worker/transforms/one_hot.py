"""one_hot: an integer as a vector with a 1 in its place; `classes` of the training data long.

    field    of integers ()
    into     a field of numbers (k,) that the vector is put behind; left out: it takes the integers' place

An integer that the training data does not reach is a vector of zeros.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import text, unknown
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.transforms import Transform


@dataclass(frozen=True, kw_only=True)
class OneHot(Transform):
    into: str = text("", wants="the name of a field")

    def after(self, fields):
        field = self.numbers(fields)
        if not field.integer or field.shape:
            raise InvalidInput([Problem("field", expected("one integer a sample", f"{list(field.shape)} {'integers' if field.integer else 'numbers'}"))])
        if not self.into:
            return dict(fields) | {self.field: Field((field.classes,))}
        if self.into not in fields:
            raise InvalidInput([Problem("into", unknown(self.into, fields, "field"))])
        if len(fields[self.into].shape) != 1:
            raise InvalidInput([Problem("into", expected("a field of numbers (k,)", list(fields[self.into].shape)))])
        joined = Field((fields[self.into].shape[0] + field.classes,))
        return {name: joined if name == self.into else each for name, each in fields.items() if name != self.field}

    def learn(self, batches, fields):
        return {"classes": fields[self.field].classes}

    def apply(self, batch, learned):
        vectors = (batch[self.field][:, None] == np.arange(learned["classes"])).astype(np.float32)
        if not self.into:
            return {**batch, self.field: vectors}
        joined = np.concatenate([batch[self.into].astype(np.float32), vectors], axis=1)
        return {name: joined if name == self.into else array for name, array in batch.items() if name != self.field}
