"""Imports run one way, MPI is in one file, and gRPC is the link's alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import worker

ROOT = Path(worker.__file__).parent
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def imported(source):
    """Modules of all imports in a source text, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def users(*packages):
    """Files of the worker that import one of `packages`, or something in it."""
    return {name for name in FILES for module in imported((ROOT / name).read_text())
            if any(f"{module}.".startswith(f"{package}.") for package in packages)}


def test_mpi_is_imported_in_one_file():
    assert users("mpi4py") == {"comm/mpi.py"}


def test_grpc_is_imported_by_the_link_alone():
    assert users("grpc", "grpc_status", "bptrain.v1.worker_service_pb2_grpc") == {"record/link.py"}


def test_nothing_is_imported_from_the_coordinator():
    assert users("coordinator", "click", "rich") == set()


def test_protobuf_is_not_met_where_the_numbers_are():
    numbers = {name for name in FILES if name.startswith(("exchange/", "datasets/", "comm/"))} | {"shards.py", "step.py", "replica.py", "evaluate.py"}
    assert users("bptrain", "google") & numbers == set()


@pytest.mark.parametrize(("source", "found"), [
    ("import mpi4py.MPI", True), ("def f():\n    from mpi4py import MPI", True), ("import mpi4pyx", False), ("x = 'import mpi4py'", False),
])
def test_an_import_would_be_found(source, found):
    assert any(f"{module}.".startswith("mpi4py.") for module in imported(source)) is found


def test_a_run_without_a_coordinator_loads_no_grpc():
    code = "import sys; import worker.rank; print([name for name in ('grpc', 'mpi4py', 'sklearn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
