"""Which steps are looked at: every one that takes long, of short ones one in a millisecond.

What a rank has to look at between two steps (clocks, commands, how long steps take) would cost as much as a short step. All
ranks look behind the same steps, so that all act on what they see: what decides is what they have agreed on.
"""

from collections.abc import Sequence

PERIOD_S = 0.001
MOST = 256  # steps from one look to the next


class Beat:
    """From the next step on. `every`: so many steps, however short, one ends with a look; 0: need not."""

    def __init__(self, every: int = 0):
        self._every, self._next = every, 0

    def looks_behind(self, step: int) -> bool:
        return step >= self._next or (self._every > 0 and (step + 1) % self._every == 0)

    def note(self, step: int, seconds: Sequence[float]) -> None:
        """Of a step that is looked at, what each rank took for it, as the vote tells."""
        slowest = max(seconds)
        self._next = step + (max(1, min(MOST, int(PERIOD_S / slowest))) if slowest > 0 else 1)
