"""load.py runs, and says what it has measured."""

import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("load.py")


@pytest.mark.slow
@pytest.mark.parametrize("only", ["submits", "gets", "hostile", "lists", "intake", "series", "watchers"])
def test_it_prints_figures_beside_those_of_an_empty_handler(only):
    command = [sys.executable, FILE, "--seconds", "1", "--turns", "1", "--stored", "100", "--watchers", "20", "--points", "10000", "--only", only]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    assert rows and all(line.count("|") == 6 and any(digit in line.split("|")[2] for digit in "123456789") for line in rows)
