"""An attempt that trains for the clock's sake: what bench.py measures.

The steps are those of training.py, with all that a run in service does in them. But the epochs never end, nothing
is evaluated, and no checkpoint is written at the end.
"""

import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from bptrain.v1.report_pb2 import AttemptEnded
from bptrain.v1.spec_pb2 import JobSpec
from worker.comm import Comm
from worker.control import Control
from worker.errors import TrainingFailed
from worker.jobs.job import Job
from worker.options import Options
from worker.record.console import complain
from worker.stopwatch import Running
from worker.training import Training

WINDOWS = 7
WARM_STEPS = 5
ENDLESS = 2**32 - 1  # epochs


class Throughput(Training):
    def __init__(self, seconds: float, options: Options, comm: Comm, job: Job, control: Control):
        spec = JobSpec()
        spec.CopyFrom(job.spec)
        spec.epochs = ENDLESS
        super().__init__(options, comm, replace(job, spec=spec, eval=None), control)
        self._window_s = seconds / WINDOWS

    def _train(self) -> int:
        """Rank 0 prints what it found."""
        try:
            self._timed(WARM_STEPS)
            steps = self._steps_a_window()
            rates = [self._rate(steps) for _ in range(WINDOWS)]
            breakdown = self._breakdown(steps)
        except TrainingFailed as error:
            if self.comm.rank == 0:
                complain(error)
            return self._end(AttemptEnded.OUTCOME_FAILED, str(error))
        memory = [json.loads(told) for told in self.comm.gather_all(json.dumps(_memory()).encode())]
        if self.comm.rank == 0:
            found = {"workload": self.job.spec.name, "world": self.comm.size, "global_batch": self.job.spec.batch_size,
                     "samples_s": round(statistics.median(rates), 1), "min": round(min(rates), 1), "max": round(max(rates), 1),
                     "breakdown": breakdown,
                     **{name: max(rank[name] for rank in memory) for name in memory[0]}}
            print(json.dumps(found), file=sys.__stdout__, flush=True)
        return self._end(AttemptEnded.OUTCOME_COMPLETED, "measured")

    def _steps_a_window(self) -> int:
        """As many as fill a window, from twice as many steps at a time until the clock can tell."""
        steps = 1
        while (took := self._timed(steps)) < self._window_s / 10:
            steps *= 2
        return max(1, int(steps * self._window_s / took))

    def _rate(self, steps: int) -> float:
        """Samples a second over so many steps."""
        first, schedule = self.replica.steps, self.job.schedule
        took = self._timed(steps)
        places = (schedule.batch(step) for step in range(first, self.replica.steps))
        return sum(place.stop - place.start for place in places) / took

    def _breakdown(self, steps: int) -> dict[str, float]:
        """Seconds of a step by what they are spent on, in the order of the step."""
        watch = Running()
        self.stepper.measure(watch)
        self.model.on_forward = lambda: watch.mark("forward")
        self._timed(steps)
        return {name: round(seconds / steps, 8) for name, seconds in watch.seconds.items()}

    def _timed(self, steps: int) -> float:
        """Trains so many steps; rank 0's seconds, on every rank. Raises TrainingFailed when asked to stop."""
        began = perf_counter()
        for _ in range(steps):
            if self._one_step().ends:
                raise TrainingFailed(self.control.cause)
            self.stepper.clock.mark("report")
        seconds = np.array([perf_counter() - began])
        self.comm.broadcast(seconds)
        return float(seconds[0])


def _memory() -> dict[str, int]:
    """`rss_bytes` and `pss_bytes` of this process, as in bench.py."""
    lines = Path("/proc/self/status").read_text() + Path("/proc/self/smaps_rollup").read_text()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines.splitlines() if line.endswith(" kB")}
    return {"rss_bytes": kib["VmHWM"] * 1024, "pss_bytes": kib["Pss"] * 1024}
