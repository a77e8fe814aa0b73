"""mixup: λ · this sample + (1 − λ) · another one, with λ drawn from Beta(alpha, alpha).

    fields    of numbers, that are mixed; labels are mixed where one_hot stands before: [x, y]

The other one is any of the training data, drawn for each sample. It comes as the transforms before this one make it, but for
the random ones among them.

Source: Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018, section 2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import names, number, unknown
from bpcore.errors import InvalidInput, Problem, expected
from worker.transforms import Random


@dataclass(frozen=True, kw_only=True)
class Mixup(Random):
    alpha: float = number(0.2, above=0)
    fields: tuple[str, ...] = names(("x", "y"))

    def after(self, fields):
        problems = [Problem("fields", unknown(name, fields, "field")) for name in self.fields if name not in fields]
        problems += [Problem("fields", expected("fields of numbers", f"integers in {name}", f"put one_hot: {{field: {name}}} before it"))
                     for name in self.fields if name in fields and fields[name].integer]
        if problems:
            raise InvalidInput(problems)
        return dict(fields)

    def vary(self, sample, random, other):
        share, partner = np.float32(random.beta(self.alpha, self.alpha)), other(random.random())
        return sample | {name: share * sample[name] + (1 - share) * partner[name] for name in self.fields}
