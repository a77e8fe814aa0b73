"""What others ask of a running rank: the first cause counts, and signals ask like anyone else."""

import signal
import subprocess
import sys
import threading

import pytest

from worker.control import Control

WAITING = """
import sys, time
from worker.control import Control
control = Control()
control.listen()
print("listening", flush=True)
while not control.stop:
    time.sleep(0.01)
print(control.cause, flush=True)
if "on" in sys.argv:
    time.sleep(60)
"""


@pytest.fixture
def waiting(script):
    """A real process that listens; `waiting("on")` goes on after it was asked to stop."""
    started = []

    def start(*arguments):
        started.append(subprocess.Popen([sys.executable, script(WAITING), *arguments], stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "listening\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_nobody_has_asked_yet():
    assert Control().stop is False


def test_the_first_cause_counts():
    control = Control()
    control.ask_stop("cancelled by alice"), control.ask_stop("and again")
    assert (control.stop, control.cause) == (True, "cancelled by alice")


def test_a_cause_may_be_empty():
    control = Control()
    control.ask_stop("")
    assert (control.stop, control.cause) == (True, "asked to stop")


def test_any_thread_may_ask():
    control = Control()
    thread = threading.Thread(target=control.ask_stop, args=("from a thread",))
    thread.start()
    thread.join()
    assert control.cause == "from a thread"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop_and_is_the_cause(waiting, number):
    process = waiting()
    process.send_signal(number)
    assert process.communicate(timeout=30)[0] == f"stopped by {number.name}\n"
    assert process.returncode == 0


def test_a_second_ctrl_c_ends_at_once(waiting):
    process = waiting("on")
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "stopped by SIGINT\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == -signal.SIGINT


def test_a_second_sigterm_changes_nothing(waiting):
    process = waiting("on")
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stopped by SIGTERM\n"
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.3)
