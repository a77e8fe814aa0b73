"""bpcore is mathematics: NumPy, Numba and the pure parts of the standard library, and nothing of the world."""

import ast
import sys
from pathlib import Path

import pytest

import bpcore

FILES = sorted(Path(bpcore.__file__).parent.rglob("*.py"))
THIRD_PARTY = {"bpcore", "numpy", "numba"}
# Files, clocks, processes, threads, network.
WORLD = {
    "os", "io", "pathlib", "shutil", "tempfile", "glob", "mmap", "fcntl", "sqlite3", "shelve", "logging",
    "time", "datetime", "calendar", "sched", "random", "secrets", "uuid", "platform", "signal",
    "subprocess", "multiprocessing", "threading", "concurrent", "asyncio", "queue", "ctypes",
    "socket", "ssl", "select", "selectors", "http", "urllib", "ftplib", "smtplib", "xmlrpc", "socketserver",
}
CALLS = {"open", "input", "eval", "exec", "__import__"}


def imported(tree):
    """Top-level names of all imports, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "bpcore" if node.level else node.module.partition(".")[0]


def strangers(source):
    """What a source text may not reach for."""
    tree = ast.parse(source)
    allowed = THIRD_PARTY | (set(sys.stdlib_module_names) - WORLD)
    names = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return (set(imported(tree)) - allowed) | (names & CALLS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FILES[0].parent)))
def test_a_file_imports_only_mathematics(file):
    assert strangers(file.read_text()) == set()


@pytest.mark.parametrize(("source", "found"), [
    ("import os.path", {"os"}), ("def f():\n    from time import sleep", {"time"}), ("open('x')", {"open"}),
    ("import google.protobuf", {"google"}), ("import worker", {"worker"}),
    ("from coordinator import client", {"coordinator"}), ("from mpi4py import MPI", {"mpi4py"}),
    ("from . import rng\nimport math, numpy as np", set()),
], ids=str)
def test_a_stranger_would_be_found(source, found):
    assert strangers(source) == found


def test_there_are_files_to_look_at():
    assert {"rng.py", "model.py", "linear.py"} <= {file.name for file in FILES}


def test_what_the_package_offers_is_there():
    assert all(hasattr(bpcore, name) for name in bpcore.__all__)
    assert bpcore.__all__ == sorted(bpcore.__all__)
