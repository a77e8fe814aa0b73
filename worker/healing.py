"""When and where replacements of dead ranks are started. Every rank keeps these times, rank 0's count: its wish
rides in the vote.

They are started where their neighbours live: a host of which no rank is left has gone, or is cut off. While
mpirun may be cut off, too, nothing is started, for MPI would wait for it.

A newcomer that dies while MPI connects the next ones can block them, so those that are sent away (another
rank has died before they were taken in) get time to be gone.
"""

import time
from collections import Counter
from collections.abc import Mapping

from worker.crew import Crew

PAUSE_S = 3.0  # behind newcomers that were sent away
PATIENCE_S = 30.0  # for newcomers to get ready
ATTEMPTS = 5  # in a row without success


def missing(full: Mapping[str, int], crew: Crew) -> dict[str, int]:
    """Place → how many ranks are to be started there, when `full` are to be in each."""
    present = Counter(crew.places)
    if full.keys() - present.keys() and not crew.beside_launcher:
        return {}
    return {place: full[place] - count for place, count in present.items() if full.get(place, 0) > count}


class Healing:
    def __init__(self) -> None:
        self._due: float | None = None
        self._waiting_since: float | None = None
        self._failed = 0

    def lost(self) -> None:
        """A rank has died; newcomers on their way were sent away."""
        self._due = time.monotonic() + (PAUSE_S if self._waiting_since else 0)
        self._waiting_since = None

    def started(self) -> None:
        """Newcomers are on their way."""
        self._due, self._waiting_since = None, time.monotonic()

    def done(self) -> None:
        """They have been taken in."""
        self._due = self._waiting_since = None
        self._failed = 0

    def failed(self) -> None:
        """One of them died on the way."""
        self._failed += 1
        self._due, self._waiting_since = time.monotonic() + PAUSE_S, None

    def is_due(self) -> bool:
        """Whether newcomers should be started now, others on their way or not."""
        if self._due is self._waiting_since is None or self._failed >= ATTEMPTS:
            return False
        now = time.monotonic()
        late = self._waiting_since is not None and now - self._waiting_since > PATIENCE_S
        return late or (self._due is not None and now >= self._due)
