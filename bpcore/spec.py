"""The mathematical part of a job: plain dicts in, checked objects out, every problem at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bpcore import graph as graphs
from bpcore.errors import InvalidInput, Problem
from bpcore.graph import Graph
from bpcore.losses import LOSSES, Loss, Targets
from bpcore.metrics import METRICS, Metric
from bpcore.optimizers import OPTIMIZERS, Optimizer
from bpcore.registry import Registry


@dataclass(frozen=True)
class Spec:
    """What is trained. `metrics`: name → metric, in the order of the job file."""

    graph: Graph
    loss: Loss
    metrics: dict[str, Metric]
    optimizer: Optimizer

    def target_problems(self, targets: Targets) -> list[Problem]:
        """What is wrong with a data set's targets for this model."""
        output = self.graph.output
        found = [("loss", self.loss.target_problem(output, targets))]
        found += [(f"metrics.{name}", metric.target_problem(output, targets)) for name, metric in self.metrics.items()]
        return [Problem(field, message) for field, message in found if message]


def parse(model: Mapping[str, Any], loss: Any, metrics: Sequence[Any], optimizer: Any) -> Spec:
    """Checks and builds everything that needs no data.

    `model`: {input: shape, layers: [{kind, attributes, name, inputs}, …]}; the others are components.
    Raises InvalidInput with every problem.
    """
    problems: list[Problem] = []
    graph = _attempt(problems, "", lambda: graphs.build(model["input"], model["layers"]))
    built_loss = _attempt(problems, "loss", lambda: LOSSES.build(loss))
    built_metrics = [_attempt(problems, f"metrics[{i}]", lambda: METRICS.build(metric)) for i, metric in enumerate(metrics)]
    problems += [Problem(f"metrics[{i}]", f'expected each metric once, got "{_stem(metric)}" again') for i, metric in enumerate(built_metrics)
                 if metric is not None and _stem(metric) in map(_stem, built_metrics[:i])]
    built_optimizer = _attempt(problems, "optimizer", lambda: OPTIMIZERS.build(optimizer))
    if graph and built_loss and (message := built_loss.output_problem(graph.output)):
        problems.append(Problem("loss", message))
    if problems:
        raise InvalidInput(problems)
    return Spec(graph, built_loss, {_stem(metric): metric for metric in built_metrics}, built_optimizer)


def _attempt(problems: list[Problem], where: str, build: Any) -> Any:
    """What `build` returns, or None with its problems collected under the field `where`."""
    try:
        return build()
    except InvalidInput as error:
        problems += [problem.under(where) if where else problem for problem in error.problems]
        return None


def _stem(thing: Any) -> str:
    """The registered name: its file's."""
    return type(thing).__module__.rpartition(".")[2]
