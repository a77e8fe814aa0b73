"""A rank's side of the keeper."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from worker.errors import Unavailable
from worker.node import holding, keeper

SIZE = 1 << 16

LEADER = """
import sys
from worker.node import holding
held = holding.hold(sys.argv[1], 1, 1 << 16, 60, start=True)
held.segment.array(0, 1, "int64")[0] = 42
print("there", flush=True)
sys.stdin.readline()
held.end()
"""


def keepers(name):
    return [process for process in psutil.process_iter(["cmdline"]) if f"bptrain-{os.geteuid()}-{name}" in (process.info["cmdline"] or [])]


@pytest.fixture
def name(tmp_path):
    """Of a run; whatever keeper is left at the end is killed."""
    made = f"test-{os.getpid()}-{tmp_path.name}"
    yield made
    for process in keepers(made):
        with suppress(psutil.Error):
            process.kill()


def hold(name, attempt=1, keep_s=30, start=True):
    return holding.hold(name, attempt, SIZE, keep_s, start)


def test_the_first_rank_starts_the_keeper_and_the_others_find_it(name):
    first, second = hold(name), hold(name, start=False)
    assert len(keepers(name)) == 1
    first.segment.array(0, 1, np.int64)[0] = 42
    assert second.segment.array(0, 1, np.int64)[0] == 42
    assert first.segment.size_bytes == second.segment.size_bytes == SIZE
    first.end(), second.end()


def test_a_second_start_finds_the_first_keeper(name):
    held = [hold(name), hold(name)]
    assert len(keepers(name)) == 1
    held[0].end(), held[1].end()


def test_the_keeper_goes_when_the_job_has_ended(name, until):
    hold(name).end()
    until(lambda: not keepers(name), timeout_s=10)


def test_memory_outlives_its_ranks(name, script):
    process = subprocess.Popen([sys.executable, script(LEADER), name], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    process.stdout.readline()
    process.kill(), process.communicate()
    held = hold(name, attempt=2, start=False)
    assert held.segment.array(0, 1, np.int64)[0] == 42
    held.end()


def test_ranks_that_leave_for_others_are_followed_however_late_they_come(name, until):
    """On a busy machine they take longer to start than a job may want its memory kept; who just dies is not waited for longer."""
    held = hold(name, keep_s=0.2)
    held.segment.array(0, 1, np.int64)[0] = 42
    held.leave()
    time.sleep(1)
    other = hold(name, attempt=2, start=False)
    assert other.segment.array(0, 1, np.int64)[0] == 42
    other._connection.close()
    until(lambda: not keepers(name), timeout_s=20)


def test_what_ends_the_ranks_does_not_end_the_keeper(name, script):
    """Ctrl-C and a launcher's SIGKILL go to the ranks' process group; the keeper is in a session of its own."""
    process = subprocess.Popen([sys.executable, script(LEADER), name], stdout=subprocess.PIPE, stdin=subprocess.PIPE, start_new_session=True)
    process.stdout.readline()
    (kept,) = keepers(name)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert os.getsid(kept.pid) != os.getsid(0) and kept.is_running() and kept.status() != psutil.STATUS_ZOMBIE
    hold(name, start=False).end()


def test_the_keeper_holds_nothing_but_the_memory_and_its_socket(name):
    """No file of the rank's, no standard stream, no working folder that could not be unmounted."""
    held = hold(name)
    (kept,) = keepers(name)
    places = {os.readlink(path).split(":")[0] for path in Path(f"/proc/{kept.pid}/fd").iterdir()}
    assert places <= {"/dev/null", "/memfd", "socket"}
    assert os.readlink(f"/proc/{kept.pid}/cwd") == "/"
    held.end()


def test_no_descriptor_of_the_memory_stays_open(name):
    """Python's map keeps one."""
    held = hold(name)
    assert held.segment.descriptor == -1
    held.end()


def test_without_a_keeper_the_way_out_is_named(name, monkeypatch):
    monkeypatch.setattr(holding, "START_S", 0.1)
    with pytest.raises(Unavailable, match="^the keeper of this node's memory does not answer; set shared_memory: false to do without$"):
        hold(name, start=False)


def test_a_keeper_that_stands_still_is_not_waited_for_for_ever(name, monkeypatch):
    held = hold(name)
    keepers(name)[0].suspend()
    monkeypatch.setattr(holding, "START_S", 0.3)
    with pytest.raises(Unavailable, match="does not answer"):
        hold(name)
    keepers(name)[0].resume()
    held.end()


def test_an_earlier_attempt_is_told_that_a_later_one_has_taken_over(name):
    held = hold(name, attempt=2)
    with pytest.raises(Unavailable, match="^a later attempt at this run has taken over$"):
        hold(name, attempt=1)
    held.end()


def test_a_keeper_about_to_end_is_not_taken_for_one_that_refuses(name, background):
    """It is there, it listens, and it goes without an answer; the next one is started and asked."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"\0bptrain-{os.geteuid()}-{name}")
    listener.listen()

    def go():
        connection, _ = listener.accept()
        connection.recv(64)
        listener.close(), connection.close()

    going = background.submit(go)
    held = hold(name)
    going.result()
    assert len(keepers(name)) == 1
    held.end()


def test_a_job_can_end_though_somebody_has_ended_its_keeper(name, until):
    held = hold(name)
    keepers(name)[0].kill()
    until(lambda: not keepers(name))
    held.segment.array(0, 1, np.int64)[0] = 42
    held.end()


def test_private_memory_has_no_keeper(name):
    before = len(psutil.Process().children())
    held = holding.private(1000)
    assert held.segment.size_bytes >= 1000
    held.end()
    assert len(psutil.Process().children()) == before


def test_the_name_says_whose_it_is(name):
    held = hold(name)
    with open("/proc/net/unix") as sockets:
        assert f"@bptrain-{os.geteuid()}-{name}\n" in sockets.read()
    assert keeper.END and len(name) < 100  # an abstract name has room for 107 bytes
    held.end()
