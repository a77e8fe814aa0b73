"""The keeper, a real process at its real socket: who gets the memory."""

import os
import signal
import socket
import struct
import subprocess
import sys

import numpy as np
import pytest

from tests.worker.node.kept import SIZE, Kept, memory
from worker.node import keeper

STRANGER = """
import os, socket, sys
os.setuid(65534)
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect("\\0" + sys.argv[1])
connection.send(b"attempt 1")
print(socket.recv_fds(connection, 64, 1)[:2])
"""


def hands_out_nothing(connection):
    connection.settimeout(0.3)
    try:
        return socket.recv_fds(connection, 64, 1) and False
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)


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


def test_two_do_not_keep_one_run(keep):
    """Whoever comes second finds the name taken, and ends."""
    first = keep()
    first.connect(1)
    second = Kept(first.run, 60)
    try:
        assert second.process.wait(30) != 0
    finally:
        second.close()


def test_a_row_is_eight_numbers():
    """What status.py views as a table."""
    assert keeper.ROW.size == 64 and struct.calcsize("<d") == 8
    assert keeper.ROWS_BYTE + keeper.ROWS * keeper.ROW.size <= SIZE
