"""Points as lines of a file."""

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass

from bptrain.v1.metric_service_pb2 import ExportMetricsRequest
from coordinator.store.points import Run

COLUMNS = ("series", "step", "time", "value")


@dataclass(frozen=True)
class Format:
    """`head`: the file's first bytes. `lines`: (series, its points) → their lines."""

    head: bytes
    lines: Callable[[str, Run], bytes]


def _csv(name: str, run: Run) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((name, *row) for row in _rows(run))
    return text.getvalue().encode()


def _json_lines(name: str, run: Run) -> bytes:
    rows = (dict(zip(COLUMNS, (name, step, time, value if math.isfinite(value) else str(value)))) for step, time, value in _rows(run))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _rows(run: Run) -> zip:
    return zip(run.steps.tolist(), run.times.tolist(), run.values.tolist())


CSV = Format((",".join(COLUMNS) + "\n").encode(), _csv)
FORMATS = {ExportMetricsRequest.FORMAT_UNSPECIFIED: CSV, ExportMetricsRequest.FORMAT_CSV: CSV,
           ExportMetricsRequest.FORMAT_JSON_LINES: Format(b"", _json_lines)}
