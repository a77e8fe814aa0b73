"""python -m worker JOB.yaml: one rank, as mpirun starts it; without mpirun, a world of one."""

import os
import sys
from pathlib import Path

from worker import options

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def blas_threads(job: Path) -> int:
    """The job's `threads_per_rank`, or 1. Whatever is wrong with the file is said when it is read again."""
    import yaml

    try:
        return max(1, int(yaml.safe_load(job.read_text())["threads_per_rank"]))
    except Exception:
        return 1


def main() -> int:
    chosen = options.parse(sys.argv[1:])
    # BLAS reads these when NumPy is loaded, so they come before every other import.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(blas_threads(chosen.job))))
    from worker import rank

    return rank.main(chosen)


if __name__ == "__main__":
    sys.exit(main())
