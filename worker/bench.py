"""python -m worker.bench JOB.yaml: how fast a job trains on this machine, and where a step's time goes.

    mpirun -n 2 python -m worker.bench JOB.yaml --seconds 6

Rank 0 prints one line of JSON; what a run says otherwise goes to standard error. Its keys:

    workload        the job's name
    world           ranks
    global_batch    samples a step, over all ranks
    samples_s       samples a second, over all ranks: median of seven windows; `min`, `max`: of the same
    breakdown       seconds a step of read, forward, backward, exchange, update, commit, report (worker/step.py);
                    of rank 0, in a window of its own; exchange and commit include waiting for the others
    rss_bytes       most memory that a rank has held at a time, what it shares with others counted in full
    pss_bytes       memory of a rank at the end, what it shares divided by those that share it
"""

import argparse
import os
import sys
import tempfile
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

from worker.__main__ import THREAD_VARIABLES, blas_threads
from worker.options import Options


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m worker.bench", description="Measures how fast a job trains, on data held in memory.")
    parser.add_argument("job", type=Path, metavar="JOB", help="job file (YAML or JSON)")
    parser.add_argument("--seconds", type=float, default=6, metavar="S", help="how long to measure (default: 6)")
    parser.add_argument("--data-root", type=Path, default=Path(), metavar="DIR", help="folder that data may be read from (default: .)")
    chosen = parser.parse_args()
    # As in __main__.py: before NumPy is loaded.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(blas_threads(chosen.job))))
    from worker import rank
    from worker.throughput import Throughput

    with tempfile.TemporaryDirectory(prefix="bptrain-bench-") as folder, redirect_stdout(sys.stderr):
        options = Options(chosen.job, Path(folder), resume=False, coordinator="", data_root=chosen.data_root, world=0)
        return rank.main(options, partial(Throughput, chosen.seconds))


if __name__ == "__main__":
    sys.exit(main())
