"""The keeper, a real process at its real socket: who gets the memory, who is ended, and when it goes."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from worker.node import keeper
from worker.node.memory import Segment

SIZE = 1 << 16

# A rank with the row and the number that it is told; it computes, or waits for others, for a minute.
RANK = """
import sys, time
from worker.node import holding
from worker.node.status import Status
name, attempt, rank, does = sys.argv[1:]
held = holding.hold(name, int(attempt), 1 << 16, 60, start=False)
status = Status(held.segment, 10)
status.take(int(rank), int(rank))
if does == "waits":
    status.waits()
print("there", flush=True)
time.sleep(60)
"""
STRANGER = """
import os, socket, sys
os.setuid(65534)
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect("\\0" + sys.argv[1])
connection.send(b"attempt 1")
print(socket.recv_fds(connection, 64, 1)[:2])
"""


class Kept:
    """A keeper, its memory, and connections to it."""

    def __init__(self, name, keep_s):
        self.run, self.segment, self.connections = name, Segment.new(SIZE), []
        self.name = f"bptrain-{os.geteuid()}-{name}"
        self.process = subprocess.Popen([sys.executable, "-I", "-S", keeper.__file__, self.name, str(self.segment.descriptor), str(keep_s)],
                                        pass_fds=[self.segment.descriptor])

    def connect(self, attempt=None):
        """As a rank does; with an attempt it has asked for the memory."""
        deadline = time.monotonic() + 30
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                connection.connect("\0" + self.name)
                break
            except OSError:
                connection.close()
                assert time.monotonic() < deadline and self.process.poll() is None
                time.sleep(0.01)
        connection.settimeout(10)
        self.connections.append(connection)
        if attempt is not None:
            connection.send(b"attempt %d" % attempt)
        return connection

    def deadline(self, seconds):
        self.segment.array(keeper.DEADLINE_BYTE, 1, np.float64)[0] = seconds

    def late_s(self, row):
        return self.segment.array(keeper.ROWS_BYTE + row * keeper.ROW.size + keeper.LATE_BYTE, 1, np.float64)[0]

    def close(self):
        for connection in self.connections:
            connection.close()
        self.process.kill()
        self.process.wait()


def memory(connection):
    """The memory that the keeper hands out; None where it refuses."""
    said, descriptors, _, _ = socket.recv_fds(connection, 64, 1)
    return Segment(descriptors[0], SIZE) if descriptors else None


def hands_out_nothing(connection):
    connection.settimeout(0.3)
    try:
        return socket.recv_fds(connection, 64, 1) and False
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)


@pytest.fixture
def keep(tmp_path):
    """`keep(60)`: a keeper that waits that many seconds for ranks."""
    made = []

    def start(keep_s=60):
        made.append(Kept(f"test-{os.getpid()}-{tmp_path.name}", keep_s))
        return made[-1]

    yield start
    for kept in made:
        kept.close()


@pytest.fixture
def rank(script):
    """`rank(kept, 1, "waits")`: a process of that number that has the memory."""
    started = []

    def start(kept, number=0, does="computes", attempt=1):
        command = [sys.executable, script(RANK), kept.run, str(attempt), str(number), does]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "there\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


# Who gets the memory.


def test_every_rank_gets_the_same_memory(keep):
    kept = keep()
    first, second = (memory(kept.connect(1)) for _ in range(2))
    first.array(0, 3, np.int64)[...] = 1, 2, 3
    assert second.array(0, 3, np.int64).tolist() == kept.segment.array(0, 3, np.int64).tolist() == [1, 2, 3]


def test_what_ranks_wrote_is_there_for_those_who_come_back(keep):
    kept = keep()
    connection = kept.connect(1)
    memory(connection).array(0, 1, np.int64)[0] = 42
    connection.close()
    assert memory(kept.connect(2)).array(0, 1, np.int64).tolist() == [42]


def test_it_hands_out_nothing_before_it_is_asked(keep):
    assert hands_out_nothing(keep().connect())


def test_another_user_gets_nothing(keep, script):
    if os.geteuid():
        pytest.skip("needs root, to be another user")
    kept = keep()
    memory(kept.connect(1))
    done = subprocess.run([sys.executable, script(STRANGER), kept.name], capture_output=True, text=True, timeout=60)
    assert done.stdout in ("(b'', [])\n", "") and "attempt" not in done.stdout
    assert kept.process.poll() is None


def test_ranks_of_an_earlier_attempt_are_ended_before_a_later_one_gets_the_memory(keep, rank):
    kept = keep()
    old = [rank(kept, number) for number in range(2)]
    assert memory(kept.connect(2))
    assert [process.wait(10) for process in old] == [-signal.SIGKILL] * 2


def test_a_later_attempt_waits_until_the_earlier_ones_are_gone(keep, rank, until):
    """A rank that is stopped dies, too; until it is gone nobody else writes."""
    kept = keep()
    old = rank(kept)
    old.send_signal(signal.SIGSTOP)
    new = kept.connect(2)
    assert memory(new)
    assert old.wait(10) == -signal.SIGKILL


def test_a_rank_of_an_earlier_attempt_gets_nothing(keep):
    kept = keep()
    assert memory(kept.connect(3))
    assert memory(kept.connect(2)) is None
    assert memory(kept.connect(3))


def test_a_rank_that_died_while_it_asked_hurts_nobody(keep):
    """It has connected, asked and died before the keeper gets to it."""
    kept = keep()
    memory(kept.connect(1))
    kept.process.send_signal(signal.SIGSTOP)
    kept.connect(1).close()
    kept.process.send_signal(signal.SIGCONT)
    assert memory(kept.connect(1))


# Who is late.


def test_a_rank_that_stands_still_is_ended_and_its_seconds_noted(keep, rank):
    """Also one that waits for others: stopped is stopped."""
    kept = keep()
    kept.deadline(0.5)
    process = rank(kept, number=2, does="waits")
    began = time.monotonic()
    process.send_signal(signal.SIGSTOP)
    assert process.wait(10) == -signal.SIGKILL
    assert 0.5 < kept.late_s(2) < time.monotonic() - began + 0.1


def test_a_rank_that_computes_too_long_is_ended_and_its_seconds_noted(keep, rank):
    kept = keep()
    kept.deadline(0.5)
    assert rank(kept, number=3).wait(10) == -signal.SIGKILL
    assert 0.5 < kept.late_s(3) < 5
    assert kept.late_s(2) == 0


def test_a_rank_that_waits_for_the_late_is_not_late(keep, rank):
    kept = keep()
    kept.deadline(0.3)
    patient, slow = rank(kept, 0, "waits"), rank(kept, 1)
    slow.wait(10)
    time.sleep(0.5)
    assert patient.poll() is None and kept.late_s(0) == 0


def test_a_rank_that_was_stopped_for_a_moment_goes_on(keep, rank):
    """Seconds of earlier stops do not add up."""
    kept = keep()
    kept.deadline(1.0)
    process = rank(kept, 0, "waits")
    for _ in range(3):
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
    assert process.poll() is None


def test_nobody_is_late_because_the_whole_machine_stood_still(keep, rank, until):
    """The keeper was stopped as long as the ranks; from then on it counts."""
    kept = keep()
    process = rank(kept, 0)
    kept.process.send_signal(signal.SIGSTOP)
    kept.deadline(1.0)
    time.sleep(2)
    woken = time.monotonic()
    kept.process.send_signal(signal.SIGCONT)
    assert process.wait(10) == -signal.SIGKILL
    assert time.monotonic() - woken > 0.9


def test_without_a_deadline_nobody_is_late(keep, rank):
    kept = keep()
    process = rank(kept)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.6)
    assert process.poll() is None and kept.late_s(0) == 0


def test_only_ranks_that_hold_the_memory_are_ended(keep, rank, until):
    """A row may hold the number of a process that is long gone, or of somebody else by now."""
    kept = keep()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        row = keeper.ROW.pack(bystander.pid, 7, 1, 0, time.monotonic() - 100, 5, 0.0, 0)
        kept.segment.array(keeper.ROWS_BYTE, len(row), np.uint8)[...] = np.frombuffer(row, np.uint8)
        memory(kept.connect(1))
        kept.deadline(0.1)
        assert rank(kept, number=1).wait(10) == -signal.SIGKILL  # so it has looked at all rows
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


# When it goes.


def ended(kept, until):
    until(lambda: kept.process.poll() is not None, timeout_s=10)
    return kept.process.returncode == 0


def test_it_ends_when_the_job_has_ended(keep, until):
    kept = keep()
    connection = kept.connect(1)
    memory(connection)
    connection.send(keeper.END)
    connection.close()
    assert ended(kept, until)


def test_it_stays_until_the_last_rank_of_an_ended_job_has_gone(keep, until):
    kept = keep()
    first, last = kept.connect(1), kept.connect(1)
    memory(first), memory(last)  # a connection that is closed with something to read in it loses what it has said
    first.send(keeper.END), first.close()
    time.sleep(0.5)
    assert kept.process.poll() is None
    last.close()
    assert ended(kept, until)


def test_it_ends_when_nobody_has_come_back(keep, until):
    kept = keep(keep_s=0.8)
    kept.connect(1).close()
    time.sleep(0.4)
    assert kept.process.poll() is None
    assert ended(kept, until)


def test_it_ends_when_nobody_ever_came(keep, until):
    assert ended(keep(keep_s=0.2), until)


def test_who_comes_back_keeps_it(keep):
    kept = keep(keep_s=1)
    kept.connect(1).close()
    time.sleep(0.5)
    kept.connect(2)
    time.sleep(1.5)
    assert kept.process.poll() is None


def test_ctrl_c_is_for_the_ranks(keep):
    kept = keep()
    kept.connect(1)
    kept.process.send_signal(signal.SIGINT)
    assert memory(kept.connect(1)) and kept.process.poll() is None


def test_two_do_not_keep_one_run(keep):
    """Whoever comes second finds the name taken, and ends."""
    first = keep()
    first.connect(1)
    second = Kept(first.run, 60)
    try:
        assert second.process.wait(30) != 0
    finally:
        second.close()


def test_nothing_of_it_is_left(keep, until):
    kept = keep(keep_s=0.1)
    assert ended(kept, until)
    with open("/proc/net/unix") as sockets:
        assert kept.name not in sockets.read()


def test_a_row_is_eight_numbers():
    """What status.py views as a table."""
    assert keeper.ROW.size == 64 and struct.calcsize("<d") == 8
    assert keeper.ROWS_BYTE + keeper.ROWS * keeper.ROW.size <= SIZE
