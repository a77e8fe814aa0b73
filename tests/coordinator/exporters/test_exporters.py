"""Curves as other programs read them: the same steps and values, also where an attempt was set back."""

import json
import math
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bpcore.errors import InvalidInput
from bptrain.v1.metric_service_pb2 import JobEnded, WatchMetricsResponse
from coordinator import exporters
from coordinator.jobs import states
from worker.errors import Unavailable


@pytest.fixture
def messages(script):
    """A run that was cut off at step 1500 and resumed at step 1000; one value is no number."""
    script.started().points(range(1500)).points([999], "eval_loss")
    script.started(first_step=1000).points(range(1000, 2000), value=lambda step: math.nan if step == 1700 else 1 / (step + 1))
    found = [WatchMetricsResponse(**{kind: getattr(report, kind)}) for report in script.reports for kind in [report.WhichOneof("event")]]
    return [*found, WatchMetricsResponse(ended=JobEnded(state=states.SUCCEEDED))]


def expected(step):
    return math.nan if step == 1700 else 1 / (step + 1)


def test_an_unknown_exporter_is_answered_with_all_there_are():
    assert exporters.names() == ["mlflow", "tensorboard"]
    with pytest.raises(InvalidInput, match='unknown exporter "tensorbord"; did you mean tensorboard'):
        exporters.opened("tensorbord", "", "", {})


# TensorBoard ---------------------------------------------------------------------------------------------------------------

@pytest.fixture
def tensorboard(tmp_path, messages):
    """The folder with a run's files."""
    pytest.importorskip("tensorboardX", reason="needs pip install 'bptrain[tensorboard]'")
    exporter = exporters.opened("tensorboard", str(tmp_path), "run", {"seed": "7"})
    assert exporters.feed(exporter, messages, states.RUNNING) == 2501
    return tmp_path / "run"


def records(path):
    """Events of a file: length, its checksum, content, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    content, at = path.read_bytes(), 0
    while at < len(content):
        length, = struct.unpack_from("<Q", content, at)
        yield Event.FromString(content[at + 12:at + 12 + length])
        at += 16 + length


def purged(folder):
    """Tag → {step: value}, as TensorBoard puts files together: a session's start takes back what is at or behind its step."""
    curves, times = {}, {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name.rpartition(".")[2]):
        for event in records(path):
            if event.session_log.status == 1:
                curves = {tag: {step: value for step, value in points.items() if step < event.step} for tag, points in curves.items()}
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    curves.setdefault(value.tag, {})[event.step] = value.simple_value
                    times[event.step] = event.wall_time
    return curves, times


def test_tensorboard_reads_each_step_once(tensorboard):
    curves, times = purged(tensorboard)
    assert list(curves["loss"]) == list(range(2000)) and list(curves["eval_loss"]) == [999]
    assert all(value == pytest.approx(expected(step), rel=1e-6, nan_ok=True) for step, value in curves["loss"].items())
    assert times[1500] == 1e9 + 150


def test_each_attempt_has_a_file_and_says_from_where_it_counts(tensorboard):
    first, second = sorted(tensorboard.iterdir(), key=lambda path: path.name.rpartition(".")[2])
    assert [event.step for event in records(second) if event.session_log.status == 1] == [1000]
    assert not [event for event in records(first) if event.session_log.status == 1]


def test_what_is_there_is_not_written_over(tensorboard):
    with pytest.raises(Unavailable, match="is there already; choose another folder, or remove it"):
        exporters.opened("tensorboard", str(tensorboard.parent), "run", {})


# MLflow --------------------------------------------------------------------------------------------------------------------

@contextmanager
def server(answers):
    """A server that keeps what it is told and answers by path; (its address, [(path, body), …])."""
    told = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = self.path.removeprefix("/api/2.0/mlflow/")
            told.append((path, body))
            self.answer(path)

        def do_GET(self):
            self.answer(self.path.removeprefix("/api/2.0/mlflow/"))

        def answer(self, path):
            status, content = answers.get(path.partition("?")[0], (200, {}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_): ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}", told
        finally:
            listening.shutdown()
            thread.join()


EXISTS = {"experiments/create": (400, {"error_code": "RESOURCE_ALREADY_EXISTS"}), "experiments/get-by-name": (200, {"experiment": {"experiment_id": "3"}}),
          "runs/create": (200, {"run": {"info": {"run_id": "r1"}}})}


def test_mlflow_gets_each_point_once_in_batches_that_it_takes(messages):
    with server(EXISTS) as (address, told):
        exporters.feed(exporters.opened("mlflow", address, "run", {"seed": "7"}), messages, states.RUNNING)
    batches = [body["metrics"] for path, body in told if path == "runs/log-batch" and "metrics" in body]
    assert max(map(len, batches)) <= 1000
    sent = [(metric["key"], metric["step"]) for batch in batches for metric in batch]
    assert sorted(sent) == [("eval_loss", 999), *(("loss", step) for step in range(2000))]
    values = {metric["step"]: metric["value"] for batch in batches for metric in batch if metric["key"] == "loss"}
    assert values[1700] == "NaN" and values[3] == 0.25


def test_mlflow_is_told_of_the_run_its_parameters_and_its_end(messages):
    with server(EXISTS) as (address, told):
        exporters.feed(exporters.opened("mlflow", address, "run", {"seed": "7"}), messages, states.RUNNING)
    told = dict(told)
    assert (told["runs/create"]["run_name"], told["runs/create"]["experiment_id"]) == ("run", "3")
    assert (told["runs/update"]["run_id"], told["runs/update"]["status"]) == ("r1", "FINISHED")


def test_a_server_that_refuses_or_is_not_there_is_named():
    with server({"experiments/create": (403, {"error_code": "PERMISSION_DENIED"})}) as (address, _), \
            pytest.raises(Unavailable, match=f"^MLflow at {address} refuses experiments/create with 403: .*PERMISSION_DENIED"):
        exporters.opened("mlflow", address, "run", {})
    with pytest.raises(Unavailable, match=f"^no MLflow answers at {address}: "):
        exporters.opened("mlflow", address, "run", {})
