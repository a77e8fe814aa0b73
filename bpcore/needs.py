"""Which kernels there are, and which of them a model needs: what may be compiled before anything is trained.

A model is asked by letting it work in `noted`, on batches of the sizes that it will meet: sizes decide which of two
ways a layer goes, and nobody else knows.
"""

import pkgutil
from collections.abc import Iterable
from typing import Any

import numpy as np

from bpcore import kernels, lockstep
from bpcore.fields import Batch
from bpcore.model import Model
from bpcore.optimization.descent import Descent
from bpcore.optimization.regularization import Clipping
from bpcore.optimization.rules import Rule
from bpcore.optimization.update import Pace, Updater
from bpcore.optimizers import OPTIMIZERS
from bpcore.plan import Key
from bpcore.spec import Spec

Needs = dict[tuple[Any, np.dtype], None]  # of (kernel, kind of number), in order
FLOAT32 = np.dtype(np.float32)


def everything() -> Needs:
    """What training can need, of all that is registered."""
    modules = [getattr(kernels, name) for _, name, _ in pkgutil.iter_modules(kernels.__path__)]
    things = [thing for module in modules for value in vars(module).values()
              for thing in (value.values() if isinstance(value, dict) else [value])]
    fixed = {(thing, FLOAT32): None for thing in things if isinstance(thing, kernels.compiled.Kernel)}
    with kernels.compiled.noted() as found:
        for kind in OPTIMIZERS.types.values():
            for optimizer in kind.cases():
                for clipping in (Clipping(), Clipping(value=1)):
                    _descend(Descent(optimizer, clipping, Rule()))
    return fixed | found | of_shards(2, 2)


def of_shards(shards: int, ranks: int) -> Needs:
    """What adds up the shards' gradients and sums, and those of ranks that share memory."""
    sums = {(kernels.sums.add, np.dtype(kind)): None for kind in (np.float32, np.float64)} if shards > 1 else {}
    return sums | ({(kernels.rounds.add, kernels.compiled.ANY): None} if ranks > 1 else {})


def of_model(spec: Spec, batches: Iterable[Batch], held_out: Iterable[Batch]) -> Needs:
    """What training on such batches needs, and evaluating on those held out."""
    with kernels.compiled.noted() as found, np.errstate(all="ignore"):  # numbers that no kernel has made
        model = Model(spec)
        parameters, gradient = model.layout.zeros(), model.layout.zeros()
        for batch in batches:
            _train(model, parameters, gradient, batch)
        for batch in held_out:
            model.evaluate(parameters, batch)
        updater = Updater(spec, model.layout)
        state, new_state = ({name: model.layout.zeros().flat for name in updater.state} for _ in range(2))
        updater.update(Pace(1, 1, 1), gradient.flat, parameters.flat, state, model.layout.zeros().flat, new_state)
    return found


def _descend(descent: Descent) -> None:
    one = np.zeros(1, np.float32)
    arrays = dict.fromkeys(descent.optimizer.state, one)
    descent.bound(one, one, arrays, one, arrays, np.zeros(1), 0, 1)


def _train(model: Model, parameters: Any, gradient: Any, batch: Batch) -> None:
    counts, key = np.ones(len(model.spec.heads)), Key(0, 0, 0)
    if lockstep.widths(model):
        lockstep.gradients(model, parameters, {0: lockstep.Work(batch, gradient, key)}, counts, lambda layer, parts: parts[0])
    else:
        model.gradient(parameters, batch, gradient, key, counts)
