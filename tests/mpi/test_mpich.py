"""Another MPI, the same bits. MPICH needs an environment of its own, since both bring an mpirun:

    python -m venv MPICH && MPICH/bin/pip install '.[mpich]'
    BPTRAIN_MPICH_PYTHON=MPICH/bin/python pytest tests/mpi
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = os.environ.get("BPTRAIN_MPICH_PYTHON", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="needs MPICH in an environment of its own: set BPTRAIN_MPICH_PYTHON to its python")


@pytest.fixture
def digest(tmp_path):
    """The final parameter digest that a command prints."""

    def run(*command: object) -> str:
        done = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return next(line for line in done.stdout.splitlines() if line.startswith("parameters sha256:"))

    return run


@pytest.mark.slow
def test_mpich_ranks_give_the_bits_of_one_process(digest, job_file):
    job = job_file(logical_shards=4)
    alone = digest(sys.executable, "-m", "worker", job)
    for ranks in (1, 2, 3):
        assert digest(Path(PYTHON).with_name("mpirun"), "-n", ranks, PYTHON, "-m", "worker", job) == alone


@pytest.mark.slow
def test_bptrain_run_finds_the_mpi_of_its_own_environment(digest, job_file):
    job = job_file(logical_shards=4)
    assert digest(Path(PYTHON).with_name("bptrain"), "run", job, "--ranks", 2) == digest(sys.executable, "-m", "worker", job)
