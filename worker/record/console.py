"""Plain lines on standard output, about one a second: what a log or a pipe can hold."""

import json
import sys
import time
from collections.abc import Mapping

from bpcore.errors import BptrainError
from bptrain.v1.report_pb2 import Compiling, Sample

INTERVAL_S = 1.0


def say(line: str) -> None:
    print(line, flush=True)


def complain(error: BptrainError) -> None:
    """The error on standard error: one line, or a list when there are several problems."""
    lines = str(error).splitlines()
    text = lines[0] if len(lines) == 1 else "\n".join([f"{len(lines)} problems", *(f"  {line}" for line in lines)])
    print(f"bptrain: {text}", file=sys.stderr, flush=True)


def sample_sentence(sample: Sample) -> str:
    """On one line, whatever it holds."""
    return f"sample of step {sample.step}: {json.dumps(sample.prompt + sample.text, ensure_ascii=False)}"


def compiling_sentence(event: Compiling) -> str:
    """What the ranks wait for."""
    return f"compiling kernel {event.done + 1}, {event.kernel}: once, this machine does not have it yet"


class Lines:
    """Progress of one attempt."""

    def __init__(self, first_step: int, total_steps: int, steps_per_epoch: int, batch_size: int):
        self._total, self._steps_per_epoch, self._batch_size = total_steps, steps_per_epoch, batch_size
        self._said_step, self._said = first_step, time.time()

    def are_due(self, when: float | None = None) -> bool:
        """Whether the last one is a second old, now or at a time (Unix, seconds)."""
        return (when or time.time()) - self._said >= INTERVAL_S

    def say(self, step: int, values: Mapping[str, float], when: float | None = None, now: bool = False) -> None:
        """A line for this step, done `when` (else: just now), if one is due; `now`: in any case."""
        when = when or time.time()
        if not now and not self.are_due(when):
            return
        samples, passed = (step + 1 - self._said_step) * self._batch_size, when - self._said
        rate = f"  {samples / passed:,.0f} samples/s" if samples > 0 and passed > 0 else ""
        self._said_step, self._said = step + 1, when
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        say(f"step {step + 1}/{self._total}  epoch {step // self._steps_per_epoch + 1}  {numbers}{rate}")
