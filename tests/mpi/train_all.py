"""What ranks run in test_matrix.py: every job file of the working folder, one after the other, into the folder given."""

import sys
from pathlib import Path

from worker.__main__ import main

if __name__ == "__main__":
    target = Path(sys.argv[1])
    for job in sorted(Path().glob("*.job")):
        sys.argv[1:] = [str(job), "--run-dir", str(target / job.stem)]
        if status := main():
            sys.exit(status)
