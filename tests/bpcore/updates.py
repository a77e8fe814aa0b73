"""The update in plain NumPy, written from the docstrings: whole arrays by name, no blocks, no flat vector, float64. And ours
beside it, on the same numbers.
"""

import fnmatch
from functools import cache

import numpy as np
import pytest

from bpcore.arena import Layout, Owner
from bpcore.optimization.update import AVERAGE, BLOCK, Pace, Updater
from bpcore.optimizers.sgd import Sgd
from bpcore.spec import Spec

TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
LAYOUT = Layout([Owner("stem", {"weight": (150, 240), "bias": (7,)}),
                 Owner("norm", {"mean": (5,), "scale": (5,)}, {"mean": 0.1}),
                 Owner("head", {"weight": (3, 4, 5), "bias": (5,)})])
STATISTICS = {"norm.mean": 0.1}
assert 150 * 240 > BLOCK  # one parameter lies in two blocks


def flat(arrays, dtype):
    vector = LAYOUT.zeros(dtype)
    for name, view in vector.named().items():
        view[...] = arrays[name]
    return vector


@cache
def drawn(seed):
    """An array for each parameter, of numbers that float32 has, too."""
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(view.shape).astype(np.float32).astype(np.float64)
            for name, view in LAYOUT.zeros().named().items()}


class Reference:
    """sgd with momentum; everything around it as bpcore/optimization/update.py and bpcore/optimization/regularization.py say."""

    def __init__(self, spec, arrays):
        self.spec, self.p = spec, {name: array.copy() for name, array in arrays.items()}
        self.v = {name: np.zeros_like(array) for name, array in arrays.items()}
        self.average = None

    def setting(self, name, what, default):
        """That of the last group that matches."""
        values = [getattr(group, what) for group in self.spec.groups if fnmatch.fnmatchcase(name, group.match)]
        return ([default] + [value for value in values if value is not None])[-1]

    def frozen(self, name, epoch):
        return self.setting(name, "frozen", False) or epoch < self.setting(name, "frozen_epochs", 0)

    def clipped(self, pace, sums):
        """The mean gradients of what is trained now."""
        clipping = self.spec.clipping
        g = {name: array / pace.count for name, array in sums.items() if name not in STATISTICS and not self.frozen(name, pace.epoch)}
        if clipping.value:
            g = {name: np.maximum(np.minimum(array, clipping.value), -clipping.value) for name, array in g.items()}
        if clipping.norm:
            g = {name: array * min(1, clipping.norm / np.linalg.norm(array)) for name, array in g.items()}
        if clipping.global_norm:
            total = np.sqrt(sum(np.square(array).sum() for array in g.values()))
            g = {name: array * min(1, clipping.global_norm / total) for name, array in g.items()}
        return g

    def step(self, pace, sums):
        o, extra = self.spec.optimizer, self.spec.regularization
        for name, g in self.clipped(pace, sums).items():
            p, penalised = self.p[name], not any(fnmatch.fnmatchcase(name, pattern) for pattern in extra.exclude)
            g = g + penalised * (extra.l1 * np.sign(p) + extra.l2 * p)
            self.v[name] = o.momentum * self.v[name] + g
            decay = self.setting(name, "weight_decay", penalised * extra.weight_decay)
            rate = o.learning_rate * pace.factor * self.setting(name, "learning_rate_scale", 1.0)
            self.p[name] = p = p - rate * (self.v[name] + decay * p)
            if extra.max_norm and penalised and p.ndim > 1:
                norms = np.sqrt((p**2).sum(axis=tuple(range(p.ndim - 1))))
                self.p[name] = p * np.minimum(1, extra.max_norm / norms)
        for name, momentum in STATISTICS.items():
            self.p[name] = (1 - momentum) * self.p[name] + momentum * sums[name] / pace.samples
        self.move_average()

    def move_average(self):
        decay = self.spec.average
        old = self.p if self.average is None else self.average
        self.average = {name: decay * old[name] + (1 - decay) * p for name, p in self.p.items()}


class Trained:
    """The same by the Updater; each step's new vectors are full of NaN until written."""

    def __init__(self, spec, arrays, dtype):
        self.updater, self.dtype = Updater(spec, LAYOUT), dtype
        self.p, self.state = flat(arrays, dtype), {name: LAYOUT.zeros(dtype) for name in self.updater.state}

    def step(self, pace, sums):
        new_p, new_state = LAYOUT.zeros(self.dtype), {name: LAYOUT.zeros(self.dtype) for name in self.state}
        for vector in [new_p, *new_state.values()]:
            vector.flat.fill(np.nan)
        old = [flat(sums, self.dtype).flat, self.p.flat, *(vector.flat for vector in self.state.values())]
        before = [array.tobytes() for array in old]
        self.updater.update(pace, old[0], self.p.flat, {name: vector.flat for name, vector in self.state.items()},
                            new_p.flat, {name: vector.flat for name, vector in new_state.items()})
        assert [array.tobytes() for array in old] == before, "an old vector was written"
        self.p, self.state = new_p, new_state

    def arrays(self, vector=None):
        return (vector or self.p).named()


def spec(optimizer=Sgd(learning_rate=0.1), **settings):
    return Spec(None, (), optimizer, **settings)


def paces(steps):
    """Changing counts, samples, factors and epochs."""
    return [Pace(step, count=3.0 + step, samples=2 + step, factor=1 / step, epoch=step - 1) for step in range(1, steps + 1)]


def run(spec, dtype=np.float64, steps=4):
    """Ours after some steps."""
    ours = Trained(spec, drawn(0), dtype)
    for pace in paces(steps):
        ours.step(pace, drawn(pace.step))
    return ours


def run_reference(spec, steps=4):
    reference = Reference(spec, drawn(0))
    for pace in paces(steps):
        reference.step(pace, drawn(pace.step))
    return reference


def assert_alike(ours, reference, dtype):
    """Relative to the largest number of each array."""
    pairs = [(ours.arrays(), reference.p)]
    if ours.updater.state[-1:] == (AVERAGE,):
        pairs.append((ours.arrays(ours.state[AVERAGE]), reference.average))
    for got, wanted in pairs:
        for name, array in wanted.items():
            assert got[name].dtype == dtype
            assert np.abs(got[name] - array).max() <= TOLERANCE[dtype] * np.abs(array).max(), name
