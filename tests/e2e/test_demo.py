"""The first command of the README: it works, shows a real result, and leaves nothing."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DEADLINE_S = 300


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder for everything that a program might put somewhere."""
    folder = tmp_path_factory.mktemp("d")
    for name in ("home", "tmp", "cwd"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(scope="module")
def demo(home, processes):
    """(what it did and printed, processes left when it had ended)."""
    environment = os.environ | {"HOME": str(home / "home"), "TMPDIR": str(home / "tmp")}
    environment.pop("XDG_STATE_HOME", None)
    done = subprocess.run([Path(sys.executable).with_name("bptrain"), "demo", "--folder", home / "demo"], cwd=home / "cwd",
                          env=environment, capture_output=True, text=True, timeout=DEADLINE_S)
    return done, processes(home)


def test_the_demo_succeeds(demo):
    done, _ = demo
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^SUCCEEDED: completed$", done.stdout, re.MULTILINE)


def test_the_demo_learns_to_read_digits(demo):
    done, _ = demo
    assert float(re.search(r"^test accuracy (0\.\d{4})$", done.stdout, re.MULTILINE)[1]) >= 0.97


def test_the_demo_tells_what_happens(demo, home):
    done, _ = demo
    first, *lines = done.stdout.splitlines()
    assert re.fullmatch(rf"coordinator at 127\.0\.0\.1:\d+, everything it keeps in {home}/demo", first)
    assert any(line.startswith("RUNNING: 2 rank(s) met on ") for line in lines)
    assert len([line for line in lines if re.match(r"step \d+/690  epoch \d+  eval_loss ", line)]) == 30
    assert re.fullmatch(r"parameters sha256:[0-9a-f]{64}", lines[-2])


def test_the_demo_leaves_no_process(demo):
    _, left = demo
    assert left == []


def test_the_demo_leaves_no_port(demo):
    done, _ = demo
    port = int(re.search(r"127\.0\.0\.1:(\d+)", done.stdout)[1])
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=30):
        pass


def test_the_demo_leaves_no_file_outside_its_folder(demo, home):
    left = [path for name in ("home", "tmp", "cwd") for path in (home / name).iterdir()]
    assert left == []
    assert sorted(path.name for path in (home / "demo").iterdir()) == ["lock", "runs", "store.db"]


def test_the_demo_keeps_journal_checkpoint_and_log_in_its_folder(demo, home):
    run, = (home / "demo" / "runs").iterdir()
    assert {"job.json", "journal", "checkpoints", "log"} <= {path.name for path in run.iterdir()}
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000690"]


def test_the_job_of_the_demo_is_the_one_in_deploy():
    root = Path(__file__).resolve().parents[2]
    assert (root / "coordinator" / "cli" / "demo.yaml").read_text() == (root / "deploy" / "jobs" / "digits.yaml").read_text()
