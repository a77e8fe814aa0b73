import os
import subprocess
import sys
from pathlib import Path

import click

from coordinator.terminal import options
from worker.__main__ import THREAD_VARIABLES, blas_threads
from worker.record.rundir import RunDir


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--step", type=click.IntRange(0), required=True, help="Which one; the first one is 0.")
@click.option("--from-start", is_flag=True, help="From the initial parameters instead of the newest checkpoint before it.")
@options.data_root
def command(folder: Path, step: int, from_start: bool, data_root: str) -> None:
    """Compute a step of a run again, in one process, and compare it with the record. FOLDER is the run's.

    Exit status 0: the same bits; 1: other bits.
    """
    # A process of its own: the BLAS reads its number of threads, which the bits depend on, when NumPy is loaded.
    threads = dict.fromkeys(THREAD_VARIABLES, str(blas_threads(RunDir(folder).job)))
    arguments = [str(folder), "--step", str(step), "--data-root", data_root, *(["--from-start"] if from_start else [])]
    raise click.exceptions.Exit(subprocess.run([sys.executable, "-m", "worker.record.replay", *arguments], env=os.environ | threads).returncode)
