"""Memory that processes share without a name: what one writes the other reads, and nothing is left behind."""

import os
import subprocess
import sys

import numpy as np
import pytest

from worker.node import memory
from worker.node.memory import PAGE_BYTES, Segment

OTHER = """
import sys
import numpy as np
from worker.node.memory import Segment
numbers = Segment.of_process(int(sys.argv[1]), int(sys.argv[2])).array(64, 3, np.int64)
print(numbers.tolist())
numbers[1] = 42
"""


@pytest.fixture
def other(script):
    """`other(pid, descriptor)` is another process that reads three numbers and writes one."""

    def run(pid, descriptor):
        return subprocess.run([sys.executable, script(OTHER), str(pid), str(descriptor)], capture_output=True, text=True, timeout=60)

    return run


def ours():
    """How many descriptors of such memory are open here."""
    return sum(os.path.realpath(f"/proc/self/fd/{name}").startswith("/memfd:bptrain") for name in os.listdir("/proc/self/fd"))


def test_new_memory_is_zeros():
    assert not Segment.new(3 * PAGE_BYTES).array(0, 3 * PAGE_BYTES, np.uint8).any()


@pytest.mark.parametrize("wanted", [0, 1, PAGE_BYTES, PAGE_BYTES + 1])
def test_there_is_as_much_as_asked_for(wanted):
    assert max(wanted, 1) <= Segment.new(wanted).size_bytes


def test_arrays_lie_in_place():
    """Little-endian, as on every machine that this runs on: 1.0 is 3F 80 00 00."""
    segment = Segment.new(100)
    segment.array(8, 2, np.float32)[...] = 1
    assert segment.array(0, 20, np.uint8).tolist() == [0] * 8 + [0, 0, 0x80, 0x3F] * 2 + [0] * 4


def test_what_one_process_writes_another_reads(other):
    segment = Segment.new(1000)
    segment.array(64, 3, np.int64)[...] = 1, 2, 3
    done = other(os.getpid(), segment.descriptor)
    assert (done.stdout, done.stderr) == ("[1, 2, 3]\n", "")
    assert segment.array(64, 3, np.int64).tolist() == [1, 42, 3]


def test_another_process_gets_all_of_it():
    segment = Segment.new(12_345)
    assert Segment.of_process(os.getpid(), segment.descriptor).size_bytes == segment.size_bytes >= 12_345


def test_arrays_outlive_the_descriptor_and_the_segment():
    segment = Segment.new(100)
    numbers = segment.array(0, 5, np.float64)
    segment.close()
    del segment
    numbers[...] = 7
    assert numbers.tolist() == [7] * 5


def test_a_descriptor_is_given_up_once():
    """Python's map keeps one of its own, until the last array is gone."""
    before = ours()
    segment = Segment.new(100)
    assert ours() == before + 2
    segment.close(), segment.close()
    assert ours() == before + 1
    del segment
    assert ours() == before


def test_what_is_gone_cannot_be_opened(other):
    segment = Segment.new(100)
    number = segment.descriptor
    segment.close()
    with pytest.raises(OSError):
        Segment.of_process(os.getpid(), number)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(60)
    with pytest.raises(OSError):
        Segment.of_process(ended.pid, 3)


def test_a_program_that_is_started_does_not_inherit_it():
    segment = Segment.new(100)
    done = subprocess.run([sys.executable, "-c", f"import os; os.fstat({segment.descriptor})"], close_fds=False, capture_output=True, text=True)
    assert "Bad file descriptor" in done.stderr


def test_it_has_no_name_in_a_file_system():
    segment = Segment.new(100)
    place = os.readlink(f"/proc/self/fd/{segment.descriptor}")
    assert place == "/memfd:bptrain (deleted)"


def test_memory_that_is_not_written_is_not_taken():
    """A terabyte; its first and last page are taken."""
    numbers = Segment.new(1 << 40).array(0, 1 << 40, np.uint8)
    numbers[0] = numbers[-1] = 1


def test_this_system_has_it(monkeypatch):
    assert memory.is_supported()
    monkeypatch.delattr(os, "memfd_create")
    assert not memory.is_supported()
