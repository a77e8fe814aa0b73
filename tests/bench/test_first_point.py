"""first_point.py runs, and says what it has measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("first_point.py")


@pytest.mark.slow
@pytest.mark.parametrize("ranks", ["waiting", "cold"])
def test_it_prints_one_line_of_figures(job_file, ranks):
    options = ["--rounds", "1", "--pause-s", "1", *(["--cold"] if ranks == "cold" else [])]
    done = subprocess.run([sys.executable, FILE, job_file(ranks=2, epochs=100), *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["ranks"], found["rounds"]) == (ranks, 1)
    assert 0 < found["fastest_s"] <= found["median_s"] <= found["slowest_s"] and found["first_s"] > 0
