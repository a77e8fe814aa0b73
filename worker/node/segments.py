"""The MPI's own shared-memory files. It removes them itself, unless its processes are killed."""

import re
from pathlib import Path

# Open MPI: one a rank, numbered at the end. MPICH: one a node.
PATTERN = re.compile(r"(/\S+/sm_segment\.\S+)\.\d+|(/dev/shm/mpich_shm_\w+)")


def of_job(pid: int | str = "self") -> set[Path]:
    """The files of that process's job on this host, without the rank's number at the end."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return set()
    return {Path(open_mpi or mpich) for open_mpi, mpich in PATTERN.findall(maps)}


def remove(jobs: set[Path]) -> None:
    """Removes the files of all ranks of these jobs."""
    for job in jobs:
        for path in [job, *job.parent.glob(f"{job.name}.*")]:
            path.unlink(missing_ok=True)
