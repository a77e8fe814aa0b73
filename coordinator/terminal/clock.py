"""Times as people read them."""

import time


def clock(seconds: float) -> str:
    """Unix seconds on this machine's clock and calendar."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def short_clock(seconds: float) -> str:
    """The time alone where it is today's, else the day alone."""
    day, time_of_day = clock(seconds).split()
    return time_of_day if day == clock(time.time()).split()[0] else day
