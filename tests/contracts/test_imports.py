"""Imports run one way, coordinator → worker → bpcore, and each outside library has its room."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(str(path.relative_to(ROOT)) for room in ("bpcore", "worker", "coordinator") for path in (ROOT / room).rglob("*.py"))

# What may be imported nowhere but in these files and folders.
ROOMS = {
    "coordinator": ("coordinator/",),
    "worker": ("worker/", "coordinator/"),
    "bptrain": ("worker/", "coordinator/"),
    "google": ("worker/", "coordinator/"),
    "tests": (),
    "mpi4py": ("worker/comm/mpi.py",),
    "grpc": ("worker/record/link.py", "coordinator/services/", "coordinator/server.py", "coordinator/ports.py", "coordinator/client.py",
             "coordinator/aio.py", "coordinator/answers.py", "coordinator/surface/", "coordinator/channel.py"),
    "sqlite3": ("coordinator/store/", "coordinator/changes.py", "coordinator/making.py", "coordinator/removing.py", "coordinator/looking.py", "coordinator/runs/", "coordinator/views/", "coordinator/access/"),
}


def imported(source):
    """Dotted names of all imports, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def library(name):
    """The key of ROOMS that an import falls under. Generated stubs and grpc's companions count as grpc."""
    if "_pb2_grpc" in name or name.startswith("grpc"):
        return "grpc"
    return name.partition(".")[0]


def misplaced(file, source):
    """Imports of `file` that belong elsewhere."""
    return [name for name in imported(source) if not file.startswith(ROOMS.get(library(name), ("",)))]


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_what_may_be_imported_there(file):
    assert misplaced(file, (ROOT / file).read_text()) == []


@pytest.mark.parametrize(("file", "source"), [
    ("bpcore/model.py", "import worker"),
    ("bpcore/model.py", "from bptrain.v1 import spec_pb2"),
    ("worker/rank.py", "from coordinator.client import Client"),
    ("worker/rank.py", "def f():\n    from mpi4py import MPI"),
    ("worker/rank.py", "import grpc"),
    ("worker/rank.py", "from grpc_health.v1 import health"),
    ("coordinator/app.py", "from bptrain.v1.job_service_pb2_grpc import JobServiceStub"),
    ("coordinator/cli/list.py", "import sqlite3"),
    ("coordinator/app.py", "import tests.conftest"),
], ids=str)
def test_a_misplaced_import_would_be_found(file, source):
    assert misplaced(file, source)


@pytest.mark.parametrize("library", ["mpi4py", "grpc", "sqlite3"])
def test_every_room_is_lived_in(library):
    """A room that nothing uses is a rule that no longer says anything."""
    for room in ROOMS[library]:
        tenants = [file for file in FILES if file.startswith(room)]
        assert any(library in name for file in tenants for name in imported((ROOT / file).read_text())), room


def test_there_are_files_to_look_at():
    assert {"bpcore/model.py", "worker/comm/mpi.py", "coordinator/cli/serve.py"} <= set(FILES)
