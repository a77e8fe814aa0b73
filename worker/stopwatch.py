"""Where a step's time goes, for who wants to know (bench.py).

A mark says what the time since the mark before it was spent on. A step always marks; in service it is given
OFF, which takes no note.
"""

from collections import defaultdict
from time import perf_counter


class Stopwatch:
    """One that stands still."""

    def mark(self, name: str) -> None: ...


class Running(Stopwatch):
    """`seconds`: by name, from here on."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._marked = perf_counter()

    def mark(self, name: str) -> None:
        now = perf_counter()
        self.seconds[name] += now - self._marked
        self._marked = now


OFF = Stopwatch()
