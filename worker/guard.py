"""What keeps a newcomer from waiting for ever: it leaves when the run that it was started for is nobody's.

The run's folder is claimed by its rank 0 for as long as that lives. A newcomer looks whether it could have the
folder itself; a rank that takes over has it again within seconds.
"""

import fcntl
import os
import signal
import threading
import time
from pathlib import Path

POLL_S = 0.5
NOBODYS_S = 5.0
LONGEST_S = 120.0


def vanish() -> None:
    """Leaves as the dead do. Open MPI's launcher takes an exit without MPI_Finalize for a fault of the whole job and
    ends it; a death by signal it leaves to the survivors."""
    os.kill(os.getpid(), signal.SIGKILL)


class Guard:
    """Watches from a thread until `stop`."""

    def __init__(self, folder: Path):
        self._folder, self._stopped = folder, threading.Event()
        threading.Thread(target=self._watch, name="guard", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        began = claimed = time.monotonic()
        while not self._stopped.wait(POLL_S):
            now = time.monotonic()
            if self._is_claimed():
                claimed = now
            if now - claimed > NOBODYS_S or now - began > LONGEST_S:
                vanish()

    def _is_claimed(self) -> bool:
        descriptor = -1
        try:
            descriptor = os.open(self._folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            if descriptor >= 0:
                os.close(descriptor)
