"""Training in one process, for curves to be compared: ours shard by shard, as ranks do it, and PyTorch's."""

import numpy as np

from bpcore import Model, lockstep
from bpcore.optimization.update import Pace, Updater
from bpcore.plan import Key
from bpcore.schedules import Clock


def ours(spec, start, steps, total, steps_per_epoch, dtype=np.float32, seed=0):
    """Each step's loss. `start`: the flat parameters; `steps`: for each of `total` its shards, batches. The loss of
    an epoch's last step is what evaluation gives."""
    model, updater = Model(spec, dtype), Updater(spec, spec.graph.layout())
    parameters, state, ends = filled(model, start), {name: np.zeros_like(start, dtype) for name in updater.state}, []
    for step, shards in enumerate(steps):
        gradients = [model.layout.zeros(dtype) for _ in shards]
        work = {i: lockstep.Work(shard, gradients[i], Key(seed, step, i)) for i, shard in enumerate(shards)}
        rows = lockstep.gradients(model, parameters, work, (1.0,), lambda layer, parts: sum(parts.values()))
        loss, count = sum(rows.values())[:2]
        yield loss / count
        factor = spec.schedule.factor(Clock(step, total, steps_per_epoch, ends))
        pace = Pace(step + 1, count, sum(len(next(iter(shard.values()))) for shard in shards), factor, step // steps_per_epoch)
        new, new_state = model.layout.zeros(dtype), {name: np.zeros_like(array) for name, array in state.items()}
        updater.update(pace, sum(gradient.flat for gradient in gradients), parameters.flat, state, new.flat, new_state)
        parameters, state = new, new_state
        if (step + 1) % steps_per_epoch == 0:
            ends.append(loss / count)


def filled(model, start):
    """Parameters of a model with these numbers."""
    parameters = model.layout.zeros(model.dtype)
    parameters.flat[...] = start
    return parameters


def theirs(loss, optimizer, total, scheduler=None, steps_per_turn=1, watches=False, clip=None):
    """Each step's loss in PyTorch. `loss(step)`: a tensor; the scheduler takes a turn after so many steps, and sees
    the loss if it `watches`."""
    for step in range(total):
        value = loss(step)
        yield value.item()
        optimizer.zero_grad()
        value.backward()
        if clip:
            clip()
        optimizer.step()
        if scheduler and (step + 1) % steps_per_turn == 0:
            scheduler.step(*[value.item()] * watches)


def error(found, wanted):
    """The largest error of a step, relative to its loss, or to a hundredth of the largest where a curve nears 0."""
    found, wanted = np.array(list(found)), np.array(list(wanted))
    assert found.shape == wanted.shape and np.isfinite(found).all() and wanted.any()
    return float(np.max(np.abs(found - wanted) / np.maximum(np.abs(wanted), 0.01 * np.abs(wanted).max())))
