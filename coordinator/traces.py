"""Traces of calls and of attempts of jobs: here, where nobody wants any; otlp.py sends them to a collector."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bptrain.v1.report_pb2 import Report


class Span:
    def failed(self, reason: str) -> None:
        """The call was refused."""


class Traces:
    """`wanted`: whether anybody does."""

    wanted = False

    @contextmanager
    def call(self, method: str, parent: str, request: Any) -> Iterator[Span]:
        """Around one call. `parent`: the caller's `traceparent` (W3C Trace Context), empty where it gave none."""
        yield Span()

    def attempt(self, job_id: str, name: str, reports: Sequence[Report]) -> None:
        """The last attempt of a job has ended; `reports`: its journal."""

    def close(self) -> None:
        """Sends what is left, for a few seconds at most."""
