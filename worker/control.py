"""What others ask of a running rank: signals and commands, noted here, acted on at the next boundary."""

import signal
import threading
from types import FrameType


class Control:
    """Any thread may ask; the training loop looks once a step."""

    def __init__(self) -> None:
        self._cause, self.discard = "", False
        self.asks = False  # whether anything was asked
        self._stop, self._leave = threading.Event(), threading.Event()

    @property
    def stop(self) -> bool:
        return self._stop.is_set()

    @property
    def leave(self) -> bool:
        return self._leave.is_set()

    @property
    def cause(self) -> str:
        return self._cause or "asked to stop"

    def ask_stop(self, cause: str, discard: bool = False) -> None:
        """`discard`: without a checkpoint."""
        self._cause, self.discard = self._cause or cause, self.discard or discard
        self._stop.set()
        self.asks = True

    def ask_leave(self) -> None:
        """To make room for another number of ranks."""
        self._leave.set()
        self.asks = True

    def listen(self) -> None:
        """SIGTERM and Ctrl-C ask to stop with a checkpoint; a second Ctrl-C ends at once. An mpirun hands two more on
        to the ranks of all hosts: SIGUSR1 asks to stop, SIGUSR2 to leave."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGUSR1, lambda number, frame: self.ask_stop("asked to stop"))
        signal.signal(signal.SIGUSR2, lambda number, frame: self.ask_leave())

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.ask_stop(f"stopped by {signal.Signals(number).name}")
        signal.signal(signal.SIGINT, signal.SIG_DFL)
