"""What Open MPI keeps outside a run's folder: each launch gets folders of its own for it.

Killed, Open MPI leaves its files behind. Their names are made of process numbers: a later mpirun that gets a number
again would not start ("The PMIx server's listener thread failed to start"). Folders of the launch's own are
removed whole before it and after it, whoever was killed; empty ones that nobody was there to remove, by later launches.

Given as environment variables, that the command line stays one that a person could type.
"""

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from worker.errors import Unavailable

BACKING = "OMPI_MCA_btl_sm_backing_directory"
PREFIX = f"bptrain-run-{os.geteuid()}-"
EMPTY_S = 60  # what has been empty for so long is not about to be used


def environment(run_dir: Path, shared: bool = True) -> dict[str, str]:
    """Makes the run's folders anew. `shared`: also the one for shared memory, which must be there before the ranks are, on
    each of their hosts. Raises Unavailable."""
    remove(run_dir)
    _sweep()
    session, memory = folders(run_dir)
    _make(session)
    if not shared:
        return {"PRTE_MCA_prte_tmpdir_base": str(session)}
    _make(memory)
    return {"PRTE_MCA_prte_tmpdir_base": str(session), BACKING: str(memory)}


def remove(run_dir: Path) -> None:
    for folder in folders(run_dir):
        shutil.rmtree(folder, ignore_errors=True)


def folders(run_dir: Path) -> tuple[Path, Path]:
    """For mpirun's session, for shared memory."""
    name = PREFIX + hashlib.sha256(os.fsencode(run_dir.resolve())).hexdigest()[:12]
    return tuple(Path(place, name) for place in _places())


def _places() -> tuple[str, str]:
    return tempfile.gettempdir(), os.environ.get(BACKING, "/dev/shm")


def _sweep() -> None:
    for place in _places():
        for folder in Path(place).glob(f"{PREFIX}*"):
            with suppress(OSError):  # it is not empty, or gone
                if time.time() - folder.stat().st_mtime > EMPTY_S:
                    folder.rmdir()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)  # never one that somebody else has put there
    except OSError as error:
        raise Unavailable(f"{folder} cannot be made: {error.strerror}") from None
