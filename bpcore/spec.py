"""The mathematical part of a job: plain dicts in, checked objects out, every problem at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bpcore import attributes
from bpcore import graph as graphs
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from bpcore.graph import Graph
from bpcore.losses import LOSSES, Loss
from bpcore.metrics import METRICS, Metric
from bpcore.optimization.regularization import Clipping, Group, Regularization
from bpcore.optimizers import OPTIMIZERS, Optimizer
from bpcore.schedules import SCHEDULES, Schedule
from bpcore.schedules.constant import Constant
from bpcore.shapes import Shape


@dataclass(frozen=True)
class Head:
    """One loss: the layer it reads, the data's fields it compares with, its share of the total.

    `weight`: the field that says how much each element counts (a mask counts 0 or 1); empty: all 1.
    """

    name: str
    loss: Loss
    output: int
    target: str
    weight: str
    scale: float
    metrics: dict[str, Metric]


@dataclass(frozen=True)
class Spec:
    """What is trained, and how. `average`: decay of the weights' moving average; 0: none. `keeps_start`: whether the
    parameters that the epoch began with are kept, since its samples come of them."""

    graph: Graph
    heads: tuple[Head, ...]
    optimizer: Optimizer
    schedule: Schedule = Constant()
    regularization: Regularization = Regularization()
    clipping: Clipping = Clipping()
    groups: tuple[Group, ...] = ()
    average: float = 0.0
    keeps_start: bool = False

    def output(self, head: Head) -> Shape:
        return self.graph.nodes[head.output].shape

    def data_problems(self, fields: Mapping[str, Field]) -> list[Problem]:
        """What is wrong with a data set's fields for this model."""
        problems = [problem for given in self.graph.inputs if (problem := _input_problem(given, fields))]
        problems += _index_problems(self.graph, fields)
        for where, head in zip(_places(self.heads), self.heads):
            problems += self._head_problems(where, head, fields)
        return problems

    def sample_problems(self, fields: Mapping[str, Field]) -> list[Problem]:
        """The same for samples to be predicted: the model is as it is, answers may be missing."""
        return [problem for given in self.graph.inputs if (problem := _sample_problem(given, fields))] + _index_problems(self.graph, fields)

    def _head_problems(self, where: str, head: Head, fields: Mapping[str, Field]) -> list[Problem]:
        for field in filter(None, (head.target, head.weight)):
            if field not in fields:
                return [Problem(where, attributes.unknown(field, fields, "field"))]
        output, targets = self.output(head), fields[head.target]
        found = [(where, head.loss.target_problem(output, targets))]
        inside = f"{where}.metrics" if len(self.heads) > 1 else "metrics"
        found += [(f"{inside}.{name}", metric.target_problem(output, targets)) for name, metric in head.metrics.items()]
        if head.weight:
            found.append((where, _weight_problem(head, fields[head.weight].shape, head.loss.element_shape(output))))
        # A metric that takes what the loss refuses has nothing to add.
        told = found[0][1]
        return [Problem(field, message) for i, (field, message) in enumerate(found) if message and (i == 0 or message != told)]


def parse(job: Mapping[str, Any]) -> Spec:
    """Checks and builds everything that needs no data. `job`: a JobSpec as plain dicts; what is not
    mathematics in it is not looked at. Raises InvalidInput with every problem.
    """
    check = _Checker()
    check.problems += _instead_problems(job)
    given_heads = job.get("losses") or [{"loss": job.get("loss") or {"kind": ""}, "metrics": job.get("metrics") or []}]
    outputs = [given.get("output") or "" for given in given_heads]
    graph = check.attempt("", lambda: graphs.build(job.get("model") or {}, outputs))
    heads = [check.head(where, given, graph, len(given_heads) > 1) for where, given in zip(_places(given_heads), given_heads)]
    optimizer = check.attempt("optimizer", lambda: OPTIMIZERS.build(job.get("optimizer") or {"kind": ""}))
    schedule = check.attempt("schedule", lambda: SCHEDULES.build(job["schedule"]) if job.get("schedule") else Constant())
    regularization = check.attempt("regularization", lambda: attributes.build(Regularization, job.get("regularization") or {}))
    clipping = check.attempt("clipping", lambda: attributes.build(Clipping, job.get("clipping") or {}))
    groups = [check.attempt(f"groups[{i}]", lambda: attributes.build(Group, given)) for i, given in enumerate(job.get("groups") or [])]
    average = job.get("weight_average") or 0.0
    if not 0 <= average < 1:
        check.problems.append(Problem("weight_average", expected("a number ≥ 0 and < 1", average)))
    if graph:
        check.problems += [problem for i, group in enumerate(groups) if group and (problem := _match_problem(i, group, graph))]
    if graph and optimizer and optimizer.uses_trust:
        check.problems += _sparse_problems(graph, optimizer)
    if check.problems:
        raise InvalidInput(check.problems)
    return Spec(graph, _apart(heads), optimizer, schedule, regularization, clipping, tuple(groups), average)


class _Checker:
    """Collects problems while building."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def attempt(self, where: str, build: Callable[[], Any]) -> Any:
        """What `build` returns, or None with its problems collected under the field `where`."""
        try:
            return build()
        except InvalidInput as error:
            self.problems += [problem.under(where) if where else problem for problem in error.problems]
            return None

    def head(self, where: str, given: Mapping[str, Any], graph: Graph | None, several: bool) -> Head | None:
        inside = where if several else "loss"
        loss = self.attempt(f"{where}.loss" if several else "loss", lambda: LOSSES.build(given.get("loss") or {"kind": ""}))
        metrics = self._metrics(f"{where}.metrics" if several else "metrics", given.get("metrics") or [])
        metrics = {name: _with_ignored(metric, loss) for name, metric in metrics.items()}
        output = len(graph.nodes) - 1 if graph else 0
        if graph and given.get("output"):
            output = graph.index(given["output"])
            if output is None:
                self.problems.append(Problem(f"{where}.output", attributes.unknown(given["output"], [node.name for node in graph.nodes], "layer")))
                return None
        if loss and graph and (message := loss.output_problem(graph.nodes[output].shape)):
            self.problems.append(Problem(inside, message))
        scale = given.get("scale") or 1.0
        if not attributes.is_number(scale):
            self.problems.append(Problem(f"{where}.scale", expected("a number", scale)))
        name = graph.nodes[output].name if graph and several else ""
        return Head(name, loss, output, given.get("target") or "y", given.get("weight") or "", scale, metrics)

    def _metrics(self, where: str, given: Sequence[Any]) -> dict[str, Metric]:
        built: dict[str, Metric] = {}
        for i, component in enumerate(given):
            metric = self.attempt(f"{where}[{i}]", lambda: METRICS.build(component))
            if metric is None:
                continue
            name = _kind(metric)
            if name in built:
                self.problems.append(Problem(f"{where}[{i}]", f'expected each metric once, got "{name}" again'))
            built[name] = metric
        return built


def _instead_problems(job: Mapping[str, Any]) -> list[Problem]:
    """What stands beside `losses`, which is given instead."""
    found = []
    if job.get("losses") and job.get("loss"):
        found.append(Problem("loss", "expected either loss or losses, got both; leave one out"))
    if job.get("losses") and job.get("metrics"):
        found.append(Problem("metrics", "expected metrics with each of losses, got a list beside them; "
                                        "move them under the loss whose output they read"))
    return found


def _with_ignored(metric: Metric, loss: Loss | None) -> Metric:
    """A metric of labels leaves out the label that its loss does, unless it names one itself."""
    label = getattr(loss, "ignored", None)
    if label is None or getattr(metric, "ignored", label) is not None:
        return metric
    return replace(metric, ignored=label)


def _places(heads: Sequence[Any]) -> list[str]:
    """The field of each head in the job file."""
    return ["loss"] if len(heads) == 1 else [f"losses[{i}]" for i in range(len(heads))]


def _apart(heads: Sequence[Head]) -> tuple[Head, ...]:
    """With the loss in the names of heads that read one output; a number behind the same loss again."""
    names = [head.name for head in heads]
    kinds = [head.name if names.count(head.name) == 1 else f"{head.name}_{_kind(head.loss)}" for head in heads]
    return tuple(replace(head, name=kind if kinds.count(kind) == 1 else f"{kind}_{kinds[:i].count(kind)}")
                 for i, (head, kind) in enumerate(zip(heads, kinds)))


def _index_problems(graph: Graph, fields: Mapping[str, Field]) -> list[Problem]:
    """Integers that the layers reading them have no entry for."""
    found = []
    for position, node in enumerate(graph.nodes):
        for i, place in enumerate(node.inputs):
            given = graph.inputs[place] if place < len(graph.inputs) else None
            below, field = node.layer.integers_below(i), fields.get(given.field) if given else None
            if below is None or field is None or field.lowest >= 0 and field.classes <= below:
                continue
            what = f'integers 0 … {below - 1} in the field "{given.field}"'
            where = f"model.layers[{position}].{_kind(node.layer)}"
            found.append(Problem(where, expected(what, field.lowest if field.lowest < 0 else field.classes - 1)))
    return found


def _sparse_problems(graph: Graph, optimizer: Optimizer) -> list[Problem]:
    """Layers whose rows move by themselves, under an optimizer that looks at whole parameters."""
    sparse = [i for i, node in enumerate(graph.nodes) if any(p.sparse for p in node.parameters.values())]
    message = f"expected an optimizer that moves each row by itself, got {_kind(optimizer)}; leave sparse out, or take another optimizer"
    return [Problem(f"model.layers[{i}].{_kind(graph.nodes[i].layer)}.sparse", message) for i in sparse]


def _kind(registered: object) -> str:
    """The name of its file, which is its name in a job file."""
    return type(registered).__module__.rpartition(".")[2]


def _input_problem(given: graphs.Input, fields: Mapping[str, Field]) -> Problem | None:
    where = "model.input" if given.name == "input" else f"model.inputs.{given.name}"
    field = fields.get(given.field)
    if field is None:
        return Problem(where, attributes.unknown(given.field, fields, "field"))
    if field.shape != given.shape:
        return Problem(where, expected(f"{list(field.shape)}, the shape of a sample", list(given.shape)))
    if given.integer and not field.integer:
        return Problem(where, f'expected integers, got numbers in the field "{given.field}"')
    return None


def _sample_problem(given: graphs.Input, fields: Mapping[str, Field]) -> Problem | None:
    field = fields.get(given.field)
    if field is None:
        return Problem("data", f'expected the field "{given.field}", which the model reads, got {", ".join(fields)}')
    if field.shape != given.shape:
        return Problem(f"data.{given.field}", expected(f"samples of shape {list(given.shape)}, as the model was trained on", list(field.shape)))
    if given.integer and not field.integer:
        return Problem(f"data.{given.field}", "expected integers, as the model was trained on, got numbers")
    return None


def _weight_problem(head: Head, weights: Shape, elements: Shape) -> str | None:
    if weights != elements[:len(weights)]:
        return expected(f'weights "{head.weight}" of shape {list(elements)}, or its leading axes', list(weights))
    return None


def _match_problem(i: int, group: Group, graph: Graph) -> Problem | None:
    names = [slot.full_name for slot in graph.layout().slots]
    if any(group.matches(name) for name in names):
        return None
    return Problem(f"groups[{i}].match", expected("a pattern that some parameter's name matches", group.match, "the names: " + ", ".join(names)))
