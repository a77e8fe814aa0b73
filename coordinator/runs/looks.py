"""What is done when hosts come or go under a run: the rule, of looks taken every few seconds.

Ranks that have died are replaced by the ranks themselves where their host lives. What they cannot do is use a
host that has come back: then all leave and are started again, once it has answered twice. And a host that goes
while ranks are being started can leave the others waiting for it.
"""

from collections.abc import Sequence
from enum import Enum, auto

from bptrain.v1.report_pb2 import RankInfo
from coordinator.launchers import Room

LOOK_S = 3.0


class Step(Enum):
    NONE = auto()
    LEAVE = auto()  # ask the ranks to leave, and start them again
    KILL = auto()


class Looks:
    """Of one start of ranks."""

    def __init__(self, started: int):
        self._started = started
        self._in_a_row = 0

    def look(self, crew: Sequence[RankInfo], room: Room) -> Step:
        """`crew`: the ranks that train now; empty before they have met."""
        if not crew:
            return Step.KILL if room.ranks < self._started else Step.NONE
        wider = len(crew) < room.ranks and len({rank.host for rank in crew}) < room.hosts
        self._in_a_row = self._in_a_row + 1 if wider else 0
        return Step.LEAVE if self._in_a_row == 2 else Step.NONE
