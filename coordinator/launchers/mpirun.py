"""The mpirun there is, and the options that its kind takes.

Open MPI: the ob1 path with shared memory and TCP starts in a tenth of the default's time, and is the
only one on which ULFM can recover; ranks may outnumber cores. MPICH (and Intel MPI, of the same launcher)
needs nothing.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from worker.errors import Unavailable

OPEN_MPI = ["--bind-to", "none", "--map-by", ":OVERSUBSCRIBE", "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp"]


def program() -> str:
    """Path of mpirun: this environment's, else the first on PATH. Raises Unavailable."""
    beside = Path(sys.executable).parent
    found = shutil.which("mpirun", path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise Unavailable("mpirun was not found: pip install 'bptrain[local]', or load your cluster's MPI")
    return found


@functools.cache
def version(mpirun: str) -> str:
    """What it says of itself."""
    said = subprocess.run([mpirun, "--version"], capture_output=True, text=True, timeout=30, env=environment())
    return said.stdout + said.stderr


def options(said: str) -> list[str]:
    """Options for the mpirun whose version text is `said`."""
    open_mpi = re.search(r"Open MPI\D*(\d+)", said)
    if open_mpi is None:
        return []
    return (["--with-ft", "ulfm"] if int(open_mpi[1]) >= 5 else []) + OPEN_MPI


def environment() -> dict[str, str]:
    """Open MPI refuses to run as root unless asked twice; containers and test machines are often root."""
    asked = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return os.environ | (asked if os.geteuid() == 0 else {})
