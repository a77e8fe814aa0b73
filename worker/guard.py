"""What keeps a newcomer from waiting for ever: it leaves when the run that it was started for is nobody's.

The run's folder is claimed by its rank 0 for as long as that lives. A newcomer looks whether it could have the
folder itself; a rank that takes over has it again within seconds.
"""

import fcntl
import os
import threading
import time
from pathlib import Path

POLL_S = 0.5
NOBODYS_S = 5.0
LONGEST_S = 120.0


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
                os._exit(0)

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
