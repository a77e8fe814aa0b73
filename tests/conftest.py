"""What all tests share: real mpirun, real job files, and a check that nothing is left behind."""

import gc
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
import yaml

pytest_plugins = ["tests.hosts", "tests.processes"]

ROOT = Path(__file__).resolve().parent.parent
DIGITS = ROOT / "deploy" / "jobs" / "digits.yaml"

# As root in a container mpirun wants to be asked twice; elsewhere these change nothing.
os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
# The tests start hundreds of Pythons, and each would compile our files anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# By these `nothing_is_left` knows what is ours: every process inherits the one, Open MPI makes its files in the other.
MARK, SHARED = "BPTRAIN_TESTS_OF", Path(f"/dev/shm/bptrain-tests-{os.getpid()}")
os.environ.update({MARK: str(os.getpid()), "OMPI_MCA_btl_sm_backing_directory": str(SHARED)})
PATIENCE_S = 40  # for keepers to see that nobody comes back: some wait for half a minute
MPIRUN = [str(Path(sys.executable).with_name("mpirun")), "--with-ft", "ulfm", "--bind-to", "none", "--map-by", ":OVERSUBSCRIBE",
          "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nothing of it is garbage, and every garbage collection would look through thousands of tests, now and later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def mpirun_in() -> Callable[..., subprocess.CompletedProcess]:
    """`mpirun_in(folder, 3, "-m", "worker", …)` runs this Python under mpirun on 3 ranks, in that folder."""
    if not Path(MPIRUN[0]).exists():
        pytest.skip("needs an MPI in this environment: pip install 'bptrain[local]'")

    def run(folder: Path, ranks: int, *arguments: object, timeout_s: float = 120) -> subprocess.CompletedProcess:
        with TemporaryDirectory(dir=SHARED) as own:  # see coordinator/launchers/scratch.py
            command = [*MPIRUN, "--prtemca", "prte_tmpdir_base", own, "--mca", "btl_sm_backing_directory", own,
                       "-n", str(ranks), sys.executable, *map(str, arguments)]
            return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout_s)

    return run


@pytest.fixture
def mpirun(mpirun_in: Callable[..., subprocess.CompletedProcess], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """`mpirun(3, "-m", "worker", …)`: the same in the test's own folder, or another."""

    def run(ranks: int, *arguments: object, timeout_s: float = 120, cwd: Path = tmp_path) -> subprocess.CompletedProcess:
        return mpirun_in(cwd, ranks, *arguments, timeout_s=timeout_s)

    return run


@pytest.fixture(scope="session")
def digits() -> dict:
    """The digits job as plain data, smaller."""
    small = yaml.safe_load(DIGITS.read_text())
    small["model"]["layers"] = [{"conv2d": {"filters": 4, "kernel": 3}}, "relu", {"max_pool2d": {"size": 2}},
                                "flatten", {"dropout": {"rate": 0.2}}, {"linear": {"units": 10}}]
    return small


@pytest.fixture
def job(digits: dict) -> Callable[..., dict]:
    """`job(epochs=1, …)`: the same with some keys replaced."""

    def make(**replaced: object) -> dict:
        return digits | {"epochs": 2, "recovery": {"keep_s": 1}} | replaced

    return make


@pytest.fixture
def job_file(tmp_path: Path, job: Callable[..., dict]) -> Callable[..., Path]:
    """`job_file(epochs=1, …)`: the same as a file in the test's own folder."""

    def write(**replaced: object) -> Path:
        path = tmp_path / "job.yaml"
        path.write_text(yaml.safe_dump(job(**replaced)))
        return path

    return write


@pytest.fixture(autouse=True, scope="session")
def nothing_is_left() -> Iterator[dict[str, str]]:
    """After the last test: no process of ours, keepers among them, and nothing of ours in /dev/shm; or which test they are
    from. What else runs on the machine is not looked at."""
    seen: dict[str, str] = {}
    SHARED.mkdir()
    yield seen
    until = time.monotonic() + PATIENCE_S
    while (left := processes()) and time.monotonic() < until:
        time.sleep(0.1)
    entries = [f"{entry}, first seen after {seen.get(entry, 'the last test')}" for entry in os.listdir(SHARED)]
    shutil.rmtree(SHARED)
    assert (left, entries) == ([], []), f"left behind: processes {left}, entries in {SHARED.parent} {entries}"


@pytest.fixture(autouse=True)
def what_is_there_is_seen(request: pytest.FixtureRequest, nothing_is_left: dict[str, str]) -> Iterator[None]:
    yield
    for entry in os.listdir(SHARED):
        nothing_is_left.setdefault(entry, request.node.nodeid)


def processes() -> list[str]:
    """What the tests have started and what came of it, also in a session of its own: command line, and the test that
    started it."""
    found = {process for process in psutil.process_iter() if is_ours(process)} | set(psutil.Process().children(recursive=True))
    return [line for process in found if (line := told(process))]


def is_ours(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.environ().get(MARK) == str(os.getpid())
    return False


def told(process: psutil.Process) -> str:
    """Empty where it has ended."""
    with suppress(psutil.Error):
        if command := process.cmdline():
            return f"{' '.join(command)}, started in {process.environ().get('PYTEST_CURRENT_TEST', 'no test')}"
    return ""
