"""A job's curves for other programs, one exporter a file; the file's name is its name on the command line.

1. They read what the coordinator has stored, as any reader does, outside the training: a place that is slow or gone costs
   no step.
2. Each file has `opened(place, title, settings)`, which makes its Exporter. What it needs is imported there.
"""

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from importlib import import_module

from bpcore.attributes import unknown
from bpcore.errors import InvalidInput, Problem
from bptrain.v1.metric_service_pb2 import WatchMetricsResponse
from bptrain.v1.report_pb2 import Points


class Exporter(ABC):
    @abstractmethod
    def points(self, points: Points) -> None:
        """Rows of the curve, ascending."""

    @abstractmethod
    def rewind(self, step: int) -> None:
        """Points from `step` on come again, with the same bits."""

    @abstractmethod
    def close(self, state: int) -> None:
        """`state`: a JobState; the job's last one if it has ended."""


def names() -> list[str]:
    return sorted(name for _, name, _ in pkgutil.iter_modules(__path__))


def opened(name: str, place: str, title: str, settings: Mapping[str, str]) -> Exporter:
    """`settings`: what is worth knowing of the job. Raises InvalidInput for a name that is none, Unavailable for a place that is
    no good."""
    if name not in names():
        raise InvalidInput([Problem("", unknown(name, names(), "exporter"))])
    return import_module(f"{__name__}.{name}").opened(place, title, settings)


def feed(exporter: Exporter, messages: Iterable[WatchMetricsResponse], state: int) -> int:
    """Hands over what is watched; how many rows. `state`: the job's, unless the messages tell of its end."""
    rows, last = 0, -1
    for message in messages:
        if message.HasField("points"):
            exporter.points(message.points)
            rows, last = rows + len(message.points.steps), max(last, message.points.steps[-1])
        elif message.HasField("started") and message.started.first_step <= last:
            exporter.rewind(message.started.first_step)
        elif message.HasField("ended"):
            state = message.ended.state
    exporter.close(state)
    return rows
