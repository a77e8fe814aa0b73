"""Plain lines on standard output, about one a second: what a log or a pipe can hold."""

import sys
import time
from collections.abc import Mapping

from bpcore.errors import BptrainError

INTERVAL_S = 1.0


def say(line: str) -> None:
    print(line, flush=True)


def complain(error: BptrainError) -> None:
    """The error on standard error: one line, or a list when there are several problems."""
    lines = str(error).splitlines()
    text = lines[0] if len(lines) == 1 else "\n".join([f"{len(lines)} problems", *(f"  {line}" for line in lines)])
    print(f"bptrain: {text}", file=sys.stderr, flush=True)


class Lines:
    """Progress of one attempt."""

    def __init__(self, first_step: int, total_steps: int, steps_per_epoch: int, batch_size: int):
        self._total, self._steps_per_epoch, self._batch_size = total_steps, steps_per_epoch, batch_size
        self._said_step, self._said = first_step, time.monotonic()

    def are_due(self) -> bool:
        """Whether the last one is a second old."""
        return time.monotonic() - self._said >= INTERVAL_S

    def say(self, step: int, values: Mapping[str, float], now: bool = False) -> None:
        """A line for this step, if one is due; `now`: in any case."""
        if not now and not self.are_due():
            return
        passed = time.monotonic() - self._said
        rate = f"  {(step + 1 - self._said_step) * self._batch_size / passed:,.0f} samples/s" if step + 1 > self._said_step else ""
        self._said_step, self._said = step + 1, time.monotonic()
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        say(f"step {step + 1}/{self._total}  epoch {step // self._steps_per_epoch + 1}  {numbers}{rate}")
