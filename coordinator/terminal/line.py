"""What people are told of the line to the coordinator."""

from coordinator.answers import Line
from coordinator.terminal.clock import short_clock
from coordinator.terminal.display import duration


def sentence(line: Line) -> str:
    if line.back:
        return f"the line to the coordinator is back after {duration(line.back - line.since)}"
    return f"the line to the coordinator is down since {short_clock(line.since)}; it is tried again"
