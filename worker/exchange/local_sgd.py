"""local_sgd: each shard goes several steps of its own between two exchanges.

A shard's samples are cut into `every` parts. p₀ = p;   gₕ: the sum of part h's gradients at pₕ;
pₕ₊₁ = pₕ − η gₕ / nₕ;   the shard's gradient is Σₕ gₕ

nₕ: what part h counts; η: learning_rate, scheduled and scaled like the optimizer's. So it is gradient accumulation,
but each part is looked at from where the parts before have led.

1. With optimizer sgd at a learning rate of `every` · η the step is the average of the shards' own parameters, weighted
   by their counts: local SGD. Other optimizers take the sum of the way as their gradient (FedOpt).
2. A shard's way depends on nobody else, and shards are summed like exact's: the same bits on any number of ranks,
   nothing lost when one dies, one replica a node. Between exchanges nothing is sent, so with `every` times the batch
   size there are that many times fewer messages for the same number of steps.
3. Penalties and clipping are the optimizer's alone, once an exchange. Frozen parameters stay where they are.

Source: Stich, "Local SGD converges fast and communicates little", ICLR 2019, algorithm 1; Reddi et al., "Adaptive
federated optimization", ICLR 2021, algorithm 1.
"""

from dataclasses import dataclass, replace

import numpy as np

from bpcore import lockstep
from bpcore.arena import Layout
from bpcore.attributes import integer, number
from bpcore.errors import Problem, expected
from bpcore.model import Model
from bpcore.optimization.regularization import Clipping, Regularization
from bpcore.optimization.update import Update, Updater
from bpcore.optimizers.sgd import Sgd
from bpcore.plan import Key
from bpcore.spec import Spec
from worker.crew import Crew
from worker.exchange import Reduction
from worker.exchange.exact import Tree
from worker.shards import cut


@dataclass(frozen=True)
class LocalSgd(Reduction):
    every: int = integer(4, minimum=1)
    learning_rate: float = number(0.01, above=0)

    def open(self, crew, layout, shards, at_once):
        return Walk(crew, layout, shards, self)

    def problems(self, spec, diagnoses):
        found = [Problem(f"model.layers[{layer}]", "expected layers that look at one shard by itself, as local_sgd goes on without "
                         "the others; turn sync off, or take another reduction") for layer in lockstep.widths(Model(spec))]
        if diagnoses:
            found.append(Problem("diagnose_every", expected("0 with the reduction local_sgd", diagnoses)))
        return found


class Walk(Tree):
    """Keeps two sets of parameters and one gradient, beside the tree's."""

    def __init__(self, crew: Crew, layout: Layout, shards: int, way: LocalSgd):
        super().__init__(crew, layout, shards)
        self._way = way
        self._now, self._next, self._gradient = (layout.zeros() for _ in range(3))
        self._moves: list[Update] = []  # from one set of parameters to the other, and back

    def gradient(self, model, parameters, batch, out, key, counts, pace):
        there, back = self._moves = self._moves or self._bound(model.spec)
        self._now.flat[...] = parameters.flat
        out.flat.fill(0)
        rows = np.zeros(model.row_width)
        for i, part in enumerate(cut(slice(0, len(next(iter(batch.values())))), self._way.every)):
            if part.start == part.stop:
                continue
            row = model.gradient(self._now, {name: values[part] for name, values in batch.items()}, self._gradient,
                                 Key(key.seed, key.step, key.shard * self._way.every + i), counts)
            rows += row
            out.flat += self._gradient.flat
            there.run(replace(pace, count=row[1], samples=part.stop - part.start), None)
            self._now, self._next, there, back = self._next, self._now, back, there
        self._moves = [there, back]
        return rows

    def _bound(self, spec: Spec) -> list[Update]:
        """The local steps' optimizer: plain descent, with the learning rates of the parameters' groups."""
        groups = tuple(replace(group, weight_decay=None) for group in spec.groups)
        plain = replace(spec, optimizer=Sgd(learning_rate=self._way.learning_rate), regularization=Regularization(),
                        clipping=Clipping(), groups=groups, average=0.0, keeps_start=False)
        updater, gradient, flag = Updater(plain, self.layout), self._gradient.flat, np.zeros(1)
        return [updater.bound(gradient, old.flat, {}, new.flat, {}, flag) for old, new in ((self._now, self._next), (self._next, self._now))]
