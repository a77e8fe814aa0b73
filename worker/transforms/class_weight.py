"""class_weight: how much each sample counts, by its class: w_c = n / (k n_c), of n training samples in k classes; so all classes
count the same together, and a sample 1 on average.

    field    of integers (): the class
    into     the field that the weight is put into, a number (); a loss names it: weight

A class that the training data does not have counts 0. Source: King and Zeng, "Logistic regression in rare events data",
Political Analysis 9 (2001); scikit-learn's class_weight="balanced".
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import text
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.transforms import Transform


@dataclass(frozen=True, kw_only=True)
class ClassWeight(Transform):
    field: str = text("y", wants="the name of a field")
    into: str = text("weight", wants="the name of a new field")

    def after(self, fields):
        field = self.numbers(fields)
        if not field.integer or field.shape or field.lowest < 0:
            raise InvalidInput([Problem("field", expected("one integer from 0 on a sample", f"{list(field.shape)} {'integers' if field.integer else 'numbers'}"))])
        if self.into in fields:
            raise InvalidInput([Problem("into", expected("a name that no field has", self.into))])
        return dict(fields) | {self.into: Field(())}

    def learn(self, batches, fields):
        counts = sum(np.bincount(batch[self.field], minlength=fields[self.field].classes) for batch in batches())
        there = counts > 0
        return {"weights": np.divide(counts.sum(), there.sum() * counts, where=there, out=np.zeros(len(counts))).tolist()}

    def apply(self, batch, learned):
        return {**batch, self.into: np.array(learned["weights"], np.float32)[batch[self.field]]}
