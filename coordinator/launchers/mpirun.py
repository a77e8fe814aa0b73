"""The mpirun there is, and the options that its kind takes.

Open MPI: the ob1 path with shared memory and TCP starts in a tenth of the default's time, and is the
only one on which ULFM can recover; ranks may outnumber cores. MPICH (and Intel MPI, of the same launcher)
needs nothing.

Over several hosts a cut link is noticed by heartbeats only, and is spread by the ranks themselves: mpirun,
which would do it otherwise, knows nothing of it and may be cut off itself.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from coordinator.launchers import tags
from worker.errors import Unavailable

# The second is for replacements: without it, the death of one ends the job.
RECOVERY = ["--with-ft", "ulfm", "--prtemca", "state_base_recoverable", "1"]
OPEN_MPI = ["--bind-to", "none", "--map-by", ":OVERSUBSCRIBE", "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp"]
DETECTOR = ["--mca", "mpi_ft_detector", "true", "--mca", "mpi_ft_detector_thread", "true", "--mca", "mpi_ft_detector_period", "0.3",
            "--mca", "mpi_ft_detector_timeout", "1.0", "--mca", "mpi_ft_propagator_with_rbcast", "true"]


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
    if not is_open(said):
        return []
    return (RECOVERY if _major(said) >= 5 else []) + OPEN_MPI


def across(said: str, hostfile: str, agent: str) -> list[str]:
    """The same for the hosts of a file, reached through a launch agent."""
    if not is_open(said):
        return ["-f", hostfile, "-launcher", "rsh", "-launcher-exec", agent]
    reach = ["--prtemca", "plm_ssh_agent", agent] if _major(said) >= 5 else ["--mca", "plm_rsh_agent", agent]
    return [*options(said), "--hostfile", hostfile, *reach, *(DETECTOR if _major(said) >= 5 else [])]


def tagging(said: str) -> list[str]:
    """Options that put a rank's number in front of each line that it prints (launchers/tags.py)."""
    if not is_open(said):
        return tags.MPICH
    return tags.OPEN_MPI_5 if _major(said) >= 5 else tags.OPEN_MPI_4


def is_open(said: str) -> bool:
    """Whether it is Open MPI."""
    return _major(said) > 0


def _major(said: str) -> int:
    """Open MPI's major version, 0 for another MPI."""
    found = re.search(r"Open MPI\D*(\d+)", said)
    return int(found[1]) if found else 0


def environment() -> dict[str, str]:
    """Open MPI refuses to run as root unless asked twice; containers and test machines are often root."""
    asked = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return os.environ | (asked if os.geteuid() == 0 else {})
