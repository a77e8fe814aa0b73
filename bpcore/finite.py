"""Which layer first gave a number that is none: looked for only when a step's loss or gradient is not finite.

Training itself looks at a few sums alone (the loss, and the sum that Updater.update makes of each block), so
it pays next to nothing. Once they say that something is wrong, the step is computed again here, and every
array is looked at as soon as it is written.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bpcore.arena import Vector
from bpcore.fields import Batch
from bpcore.graph import Graph
from bpcore.losses import Loss
from bpcore.model import Model
from bpcore.plan import Key, Plan


def first_not_finite(model: Model, parameters: Vector, batch: Batch, key: Key, counts: Sequence[float] | None = None) -> str | None:
    """What was first not finite in a step on this batch, as a part of a sentence; None: all was finite.

    In the order of computation: data, parameters, each layer's output, the losses, then backward each layer's
    gradients. `counts` as for Model.gradient; None: the batch is the whole one.
    """
    out = model.layout.zeros(model.dtype)
    plan = model.plan(len(next(iter(batch.values()))))
    with np.errstate(all="ignore"):
        plan.load(parameters, batch, True, key)
        return (_in_what_is_given(model, plan, parameters) or _in_forward(model.spec.graph, plan)
                or _in_losses(model, plan, batch, model.counts(batch) if counts is None else counts)
                or _in_backward(model.spec.graph, plan, out))


def message(step: int, loss: float, cause: str | None) -> str:
    """The sentence for users: what is not finite in step `step`, and what to do. cause: of `first_not_finite`."""
    if cause and cause.startswith(METRIC):
        return f"a metric is not finite in step {step}: {cause}; {ADVICE}"
    if math.isfinite(loss):
        return f"the gradient is not finite in step {step}, at a loss of {loss:g}: {cause or 'its sum over the shards is too large'}; {ADVICE}"
    return f"the loss is {loss:g} in step {step}: {cause or 'not a finite number'}; {ADVICE}"


METRIC = "a metric"
ADVICE = "lower the learning rate, or look at the data of this step"


def _in_what_is_given(model: Model, plan: Plan, parameters: Vector) -> str | None:
    for given, array in zip(model.spec.graph.inputs, plan.inputs):
        if bad := _bad(array):
            return f'the data\'s field "{given.field}" holds {bad}'
    for slot in parameters.layout.slots:
        if bad := _bad(parameters.flat[slot.place]):
            return f"the parameter {slot.full_name} of {_named(model.spec.graph, slot.node)} is {bad}, by an earlier step's update"
    return None


def _in_forward(graph: Graph, plan: Plan) -> str | None:
    for position, (layer, w) in enumerate(zip(plan.layers, plan.steps)):
        layer.forward(w)
        if bad := _bad(w.y):
            return f"{_named(graph, position)} gave {bad} from finite inputs"
    return None


def _in_losses(model: Model, plan: Plan, batch: Batch, counts: Sequence[float]) -> str | None:
    for head, bound in zip(model.spec.heads, plan.heads):
        weights = batch[head.weight] if head.weight else None
        if label := _strange_label(head.loss, plan.steps[head.output].y, batch[head.target]):
            return f'the data\'s field "{head.target}" holds the label {label}, but labels go from 0 to {plan.steps[head.output].y.shape[-1] - 1}'
        sums = head.loss.evaluate(plan.steps[head.output].y, batch[head.target], weights, bound.gradient)
        for bad, what in ((_bad(np.array(sums)), ""), (_bad(bound.gradient), "a gradient of ")):
            if bad:
                return f"the loss {_kind(head.loss)} gave {what}{bad} from finite outputs of {_named(model.spec.graph, head.output)}"
    if bad := _bad(model.losses(plan, batch, counts)):
        return f"{METRIC} gave {bad} from finite outputs"
    return None


def _strange_label(loss: Loss, output: np.ndarray, targets: np.ndarray) -> str:
    """The first one that is none of the classes, where the loss compares with labels; empty: all are."""
    if not hasattr(loss, "ignored") or targets.dtype.kind not in "iu" or targets.shape != output.shape[:-1]:
        return ""
    is_strange = (targets < 0) | (targets >= output.shape[-1])
    strange = targets[is_strange if loss.ignored is None else is_strange & (targets != loss.ignored)]
    return str(strange[0]) if strange.size else ""


def _in_backward(graph: Graph, plan: Plan, out: Vector) -> str | None:
    for position in reversed(range(len(graph.nodes))):
        w = plan.steps[position]
        if bad := _bad(w.dy):
            return f"the gradients that reach {_named(graph, position)} add up to {bad}"
        plan.backward_layer(position, out)
        if bad := _first({f"its {name}": array for name, array in out.nodes[position].items()}
                         | {f"its input {i + 1}" if len(w.dinputs) > 1 else "its input": array for i, array in enumerate(w.dinputs)}):
            return f"{_named(graph, position)} gave a gradient of {bad} from finite ones"
    return None


def _first(arrays: Mapping[str, np.ndarray | None]) -> str:
    """`inf for its weight`; empty where all are finite."""
    return next((f"{bad} for {what}" for what, array in arrays.items() if array is not None and (bad := _bad(array))), "")


def _bad(array: np.ndarray) -> str:
    """`nan`, `inf` or `-inf`, whichever comes first; empty where all is finite."""
    bad = array[~np.isfinite(array)]
    return f"{bad[0]:g}" if bad.size else ""


def _kind(registered: object) -> str:
    """The name of its file, which is its name in a job file."""
    return type(registered).__module__.rpartition(".")[2]


def _named(graph: Graph, position: int) -> str:
    """`layer 3 (conv2d "stem")`: counted as in model.layers, the name left out where it is made of these two."""
    node = graph.nodes[position]
    kind = _kind(node.layer)
    return f"layer {position} ({kind})" if node.name == f"{kind}_{position}" else f'layer {position} ({kind} "{node.name}")'
