"""The rooms of the house: its top level, the size of its files, and nothing of the machine it was written on."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {"README.md", "pyproject.toml", "protos", "coordinator", "worker", "bpcore", "deploy", "tests", "LICENSE"}
LONGEST_FILE = 400
LONGEST_TEST = 700  # references written out beside their tests
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$")
OF_ONE_MACHINE = re.compile("|".join([r"/(work)/(main|shared|peers)\b", r"/(tmp)/dev\b", r"/(root|home)/\w"]))


def tracked():
    """Paths of all files in git."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def lines(path):
    return (ROOT / path).read_text(errors="replace").splitlines()


def test_the_top_level_holds_the_rooms_and_nothing_else():
    found = {path.parts[0] for path in tracked()}
    assert {name for name in found if not name.startswith(".")} == TOP_LEVEL


def test_no_file_is_longer_than_a_reader_can_bear():
    written = [path for path in tracked() if not GENERATED.search(path.name)]
    limits = {path: LONGEST_TEST if path.parts[0] == "tests" else LONGEST_FILE for path in written}
    assert [str(path) for path, limit in limits.items() if len(lines(path)) > limit] == []


def test_no_file_knows_the_machine_it_was_written_on():
    found = [f"{path}: {line.strip()}" for path in tracked() for line in lines(path) if OF_ONE_MACHINE.search(line)]
    assert found == []


@pytest.mark.parametrize("line", ["cd /" + "work/main", "/" + "tmp/dev/bin/python", "/" + "home/someone/x"])
def test_a_path_of_one_machine_would_be_found(line):
    assert OF_ONE_MACHINE.search(line)


def test_generated_files_are_told_apart():
    names = ["spec_pb2.py", "spec_pb2.pyi", "job_service_pb2_grpc.py", "spec.py", "pb2.py"]
    assert [bool(GENERATED.search(name)) for name in names] == [True, True, True, False, False]


def test_no_tracked_file_is_empty():
    assert [str(path) for path in tracked() if (ROOT / path).stat().st_size == 0] == []
