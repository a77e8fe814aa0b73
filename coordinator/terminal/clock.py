"""Times as people read them."""

import time


def clock(seconds: float) -> str:
    """Unix seconds on this machine's clock and calendar."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
