"""One coordinator on a state folder, and nobody beside it who changes its files."""

import fcntl
import os
from pathlib import Path

from worker.errors import Unavailable


def claim(state: Path) -> int:
    """A descriptor; who closes it, or ends, gives the folder back. Raises Unavailable where another has it."""
    lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    except OSError:
        os.close(lock)
        raise Unavailable(f"the state folder {state} is in use by another coordinator") from None
