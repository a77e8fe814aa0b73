"""A run of an MLflow server, over its REST API (version 2.0): parameters once, metrics in batches.

MLflow cannot take a point back. What an attempt computes again has the same bits, so it is sent once.
"""

import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from bptrain.v1.report_pb2 import Points
from coordinator.exporters import Exporter
from coordinator.jobs import states
from worker.errors import Unavailable

EXPERIMENT = "bptrain"
BATCH = 1000  # metrics that MLflow takes at once
PARAMETERS, LONGEST = 100, 500  # in one batch, and characters of one
TIMEOUT_S = 30
STATUS = {states.SUCCEEDED: "FINISHED", states.FAILED: "FAILED", states.CANCELLED: "KILLED"}


def opened(place: str, title: str, settings: Mapping[str, str]) -> Exporter:
    """`place`: the server's URL. Raises Unavailable."""
    return Mlflow(place.rstrip("/"), title, settings)


class Mlflow(Exporter):
    def __init__(self, address: str, title: str, settings: Mapping[str, str]):
        self._address, self._waiting, self._last = address, [], {}
        run = self._ask("runs/create", {"experiment_id": self._experiment(), "run_name": title, "start_time": _now_ms()})
        self._run = run["run"]["info"]["run_id"]
        given = [{"key": name, "value": value[:LONGEST]} for name, value in settings.items()]
        self._ask("runs/log-batch", {"run_id": self._run, "params": given[:PARAMETERS]})

    def points(self, points: Points) -> None:
        for column in points.columns:
            for step, when, value in zip(points.steps, points.times, column.values):
                if step > self._last.get(column.series, -1):
                    self._last[column.series] = step
                    self._waiting.append({"key": column.series, "value": _plain(value), "timestamp": int(when * 1000), "step": step})
        while len(self._waiting) >= BATCH:
            self._send()

    def rewind(self, step: int) -> None: ...

    def close(self, state: int) -> None:
        while self._waiting:
            self._send()
        self._ask("runs/update", {"run_id": self._run, "status": STATUS.get(state, "RUNNING"), **({"end_time": _now_ms()} if state in STATUS else {})})

    def _send(self) -> None:
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        self._ask("runs/log-batch", {"run_id": self._run, "metrics": batch})

    def _experiment(self) -> str:
        """Its id; made where there is none."""
        try:
            return self._ask("experiments/create", {"name": EXPERIMENT})["experiment_id"]
        except _Exists:
            return self._ask(f"experiments/get-by-name?experiment_name={EXPERIMENT}")["experiment"]["experiment_id"]

    def _ask(self, path: str, body: Any = None) -> Any:
        """Raises Unavailable, _Exists."""
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(f"{self._address}/api/2.0/mlflow/{path}", data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                if "RESOURCE_ALREADY_EXISTS" in (said := error.read(2000).decode(errors="replace")):
                    raise _Exists from None
            raise Unavailable(f"MLflow at {self._address} refuses {path.partition('?')[0]} with {error.code}: {said[:200]}") from None
        except (OSError, ValueError) as error:
            raise Unavailable(f"no MLflow answers at {self._address}: {getattr(error, 'reason', error)}") from None


class _Exists(Exception):
    """What was to be made is there already."""


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _now_ms() -> int:
    return int(time.time() * 1000)
