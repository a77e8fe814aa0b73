"""What deaths cost: samples a second with a rank killed every 30 s, over those without; `python tests/bench/kills.py`.

One run on two ranks of this machine. Windows without and with a kill at their start take turns; a figure is the median
over windows. Also the seconds from each kill to the next committed step.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import yaml

from coordinator.launchers import mpirun
from worker.record.journal import Tail

JOB = Path(__file__).parents[2] / "deploy" / "jobs" / "digits.yaml"


class Run:
    def __init__(self, folder: Path, ranks: int):
        job = folder / "job.yaml"
        job.write_text(yaml.safe_dump(yaml.safe_load(JOB.read_text()) | {"epochs": 10**6}))
        program = mpirun.program()
        command = [program, *mpirun.options(mpirun.version(program)), "-n", str(ranks), sys.executable, "-m", "worker", str(job),
                   "--run-dir", str(folder / "run")]
        self._log = open(folder / "log", "w")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=mpirun.environment())
        self._tail = Tail(folder / "run" / "journal")
        self.pids: list[int] = []
        self.commits: list[float] = []  # when each step was committed
        self.losses: list[float] = []  # when a death was written down

    def until(self, moment: float) -> None:
        """Reads on until then."""
        while time.time() < moment:
            time.sleep(0.2)
            for report in self._tail.read():
                kind = report.WhichOneof("event")
                if kind in ("started", "crew"):
                    self.pids = [rank.pid for rank in getattr(report, kind).ranks]
                    self.losses += [report.time] if kind == "crew" and report.crew.lost else []
                elif kind == "points" and report.points.columns[0].series == "loss":
                    self.commits += report.points.times

    def stop(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)
        self._process.wait(60)


def measure(ranks: int, window_s: float, windows: int, chance: random.Random) -> tuple[list[float], list[float], list[float]]:
    """Steps a second of windows without and with a kill; seconds from kill to the next step."""
    with tempfile.TemporaryDirectory() as folder:
        run, rates, waits = Run(Path(folder), ranks), ([], []), []
        run.until(time.time() + 10)  # started, and warm
        for window in range(2 * windows):
            began, kills = time.time(), window % 2
            if kills:
                os.kill(chance.choice(run.pids), signal.SIGKILL)
            run.until(began + window_s)
            rates[kills].append(sum(began <= when < began + window_s for when in run.commits) / window_s)
            if kills:
                waits.append(next(when for when in run.commits if when > run.losses[-1]) - began)
            print(f"{'with' if kills else 'without'} a kill: {rates[kills][-1]:.1f} steps/s, {len(run.pids)} rank(s)", flush=True)
        run.stop()
    return *rates, waits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30, help="between kills")
    parser.add_argument("--windows", type=int, default=5, help="of each kind")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}")
    without, kills, waits = measure(chosen.ranks, chosen.seconds, chosen.windows, random.Random(chosen.seed))
    print(f"throughput kept {100 * median(kills) / median(without):.1f} %; from kill to next step {median(waits):.2f} s, at most {max(waits):.2f} s")


if __name__ == "__main__":
    main()
