"""From `submit` to the first point of the curve at the client: `python tests/bench/first_point.py`.

The coordinator is one of its own, `bptrain serve` in another process. It is left alone between two jobs, so that ranks
wait for the next one; `--cold` is without them. The first job is told apart: it may compile kernels. One line of JSON.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from coordinator.client import Client, Point

DIGITS = Path(__file__).resolve().parents[2] / "deploy" / "jobs" / "digits.yaml"
BPTRAIN = Path(sys.executable).with_name("bptrain")


@contextmanager
def serving(state: Path, data_root: Path, cold: bool) -> Iterator[Client]:
    """A client of a coordinator on free ports."""
    port = _free_port()
    command = [BPTRAIN, "serve", "--port", str(port), "--worker-port", "0", "--slots", "2", "--state", state,
               "--data-root", data_root, "--no-standby" if cold else "--standby"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            process.stdout.readline()  # it listens
            with Client(f"127.0.0.1:{port}") as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM)


def measure(client: Client, job: Path, pause_s: float) -> float:
    """Seconds until the first point. The job is ended then, and the coordinator left alone for a while."""
    began = time.perf_counter()
    submitted = client.submit(job)
    events = client.watch(submitted.id)
    while not isinstance(next(events), Point):
        pass
    took = time.perf_counter() - began
    client.cancel(submitted.id)
    for _ in events:
        pass
    time.sleep(pause_s)
    return took


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path, nargs="?", default=DIGITS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--pause-s", type=float, default=4.0, help="between a job's end and the next submission")
    parser.add_argument("--cold", action="store_true", help="no ranks wait")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder, serving(Path(folder) / "state", chosen.job.parent, chosen.cold) as client:
        first, *others = (measure(client, chosen.job, chosen.pause_s) for _ in range(1 + chosen.rounds))
    print(json.dumps({"job": chosen.job.stem, "ranks": "cold" if chosen.cold else "waiting", "first_s": round(first, 3),
                      "median_s": round(median(others), 3), "fastest_s": round(min(others), 3), "slowest_s": round(max(others), 3),
                      "rounds": len(others), "load": round(os.getloadavg()[0], 1)}))


if __name__ == "__main__":
    main()
