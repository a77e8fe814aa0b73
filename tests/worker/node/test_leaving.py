"""The keeper, a real process at its real socket: when it goes."""

import signal
import time

from tests.worker.node.kept import memory
from worker.node import keeper


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


def test_nothing_of_it_is_left(keep, until):
    kept = keep(keep_s=0.1)
    assert ended(kept, until)
    with open("/proc/net/unix") as sockets:
        assert kept.name not in sockets.read()
