"""Ways to start ranks, one a file. All of them end in `python -m worker`.

1. Ranks are a session of their own: they outlive whoever started them.
2. A running launch is found again by its run folder, which stands in its command line: no bookkeeping
   can be out of date.
"""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Order:
    """What to start. `coordinator`: HOST:PORT to report to; empty without one. `standby`: ranks that wait for the run
    (worker/standby.py)."""

    run_dir: Path
    ranks: int
    data_root: Path
    coordinator: str = ""
    resume: bool = False
    standby: bool = False


@dataclass(frozen=True)
class Room:
    """How many ranks could be started now, and on how many hosts."""

    ranks: int
    hosts: int = 1


class Launch(ABC):
    """Ranks that were started: `ranks` of them."""

    ranks: int

    @abstractmethod
    async def wait(self) -> int | None:
        """Returns when all of it is gone: the exit status, None where it cannot be known."""

    @abstractmethod
    def ask_to_stop(self) -> None:
        """Signals the ranks to stop at the next step boundary; called again, those that have come since."""

    @abstractmethod
    def ask_to_leave(self) -> None:
        """The same without an end record: other ranks go on in their place."""

    @abstractmethod
    def kill(self) -> None:
        """Ends all of it now; called again, also what has not ended by then."""

    @abstractmethod
    def is_whole(self) -> bool:
        """Whether all ranks are there. False where that cannot be seen."""

    @abstractmethod
    def lost_ranks(self) -> bool:
        """Whether some ranks are missing while others live; asked twice a second. False where that cannot
        be seen."""


class Launcher(ABC):
    @abstractmethod
    def command(self, order: Order) -> list[str]:
        """The exact command line, as a person could type it. Raises Unavailable."""

    @abstractmethod
    async def start(self, order: Order) -> Launch:
        """Raises Unavailable."""

    @abstractmethod
    async def room(self, ranks: int) -> Room:
        """For that many ranks."""

    @abstractmethod
    def find(self, run_dir: Path) -> Launch | None:
        """The launch of that run, if it still runs."""

    @abstractmethod
    def running(self, runs: Path) -> list[Path]:
        """The folders right below `runs` for which ranks run."""


async def poll(condition, period_s: float = 0.1) -> None:
    """Returns when `condition()` holds."""
    while not condition():
        await asyncio.sleep(period_s)
