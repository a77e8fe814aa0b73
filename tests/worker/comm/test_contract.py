"""One suite for every world: `Alone`, and MPI's of one to four ranks (this file run as a script by mpirun), which send each
other messages or share memory."""

import json
import sys
import time
import traceback

import numpy as np
import pytest

from bpcore import kernels
from bpcore.kernels.program import fused
from worker.comm import connect
from worker.comm.alone import Alone
from worker.crew import Crew


def gather_all_gives_every_ranks_bytes_in_rank_order(comm):
    mine = bytes([comm.rank]) * (100 * comm.rank)  # rank 0 has none
    assert comm.gather_all(mine) == [bytes([rank]) * (100 * rank) for rank in range(comm.size)]


def gather_all_takes_a_megabyte(comm):
    told = comm.gather_all(bytes([comm.rank]) * (1 << 20))
    assert [(len(data), data[-1]) for data in told] == [(1 << 20, rank) for rank in range(comm.size)]


def broadcast_gives_rank_0s_numbers(comm):
    for dtype in (np.float32, np.float64):
        array = np.arange(5, dtype=dtype) + comm.rank
        comm.broadcast(array)
        assert array.tolist() == [0, 1, 2, 3, 4]


def broadcast_keeps_every_bit(comm):
    odd = np.array([0x7FC00001, 0x80000000, 0x00000001, 0x7F800000], np.uint32)  # a NaN with payload, −0, subnormal, ∞
    array = odd.view(np.float32).copy() if comm.rank == 0 else np.zeros(4, np.float32)
    comm.broadcast(array)
    assert array.view(np.uint32).tolist() == odd.tolist()


def sum_adds_over_ranks_elementwise(comm):
    array = np.array([1.0, comm.rank, 2.0 ** -comm.rank])
    comm.sum(array)
    ranks = range(comm.size)
    assert array.tolist() == [comm.size, sum(ranks), sum(2.0 ** -rank for rank in ranks)]


def a_sum_of_one_number_and_zeros_is_exact(comm):
    """What the vote leans on: each row is filled by one rank."""
    table = np.zeros((comm.size, 3))
    table[comm.rank] = 0.1 * (comm.rank + 1), 1e300, 3e-300
    comm.sum(table)
    assert table.tolist() == [[0.1 * (rank + 1), 1e300, 3e-300] for rank in range(comm.size)]


def a_sum_keeps_what_is_not_finite(comm):
    array = np.array([np.inf if comm.rank == 0 else 1.0, np.nan if comm.rank == comm.size - 1 else 1.0])
    comm.sum(array)
    assert array[0] == np.inf and np.isnan(array[1])


def alltoall_sends_each_rank_its_part(comm):
    """Rank r sends (r + 1) · (to + 1) numbers to rank `to`."""
    sizes = [[(rank + 1) * (to + 1) for to in range(comm.size)] for rank in range(comm.size)]
    send = np.concatenate([np.full(n, 10 * comm.rank + to, np.float32) for to, n in enumerate(sizes[comm.rank])])
    counts = [row[comm.rank] for row in sizes]
    came = np.empty(sum(counts), np.float32)
    comm.alltoall(send, sizes[comm.rank], came, counts)
    assert came.tolist() == [10 * rank + comm.rank for rank in range(comm.size) for _ in range(sizes[rank][comm.rank])]


def alltoall_puts_each_part_in_its_place(comm):
    """Two numbers from each rank, the last rank's first, a gap behind each; the gaps stay as they are."""
    came = np.full(3 * comm.size, -1, np.float32)
    places = [3 * (comm.size - 1 - rank) for rank in range(comm.size)]
    send = np.repeat(np.arange(comm.size, dtype=np.float32), 2) + 10 * comm.rank
    comm.alltoall(send, [2] * comm.size, came, [2] * comm.size, places)
    assert came.tolist() == [number for rank in reversed(range(comm.size)) for number in (10 * rank + comm.rank, 10 * rank + comm.rank, -1)]


def alltoall_takes_nothing_from_some(comm):
    """Only rank 0 has something to send."""
    counts = [2 if comm.rank == 0 else 0] * comm.size
    came = np.empty(2, np.float32)
    comm.alltoall(np.arange(sum(counts), dtype=np.float32), counts, came, [2] + [0] * (comm.size - 1))
    assert came.tolist() == [2 * comm.rank, 2 * comm.rank + 1]


def broadcast_gives_any_roots_numbers(comm):
    for root in range(comm.size):
        array = np.full(3, comm.rank, np.float64)
        comm.broadcast(array, root)
        assert array.tolist() == [root] * 3


def sum_adds_whole_numbers_too(comm):
    array = np.array([1, comm.rank], np.int64)
    comm.sum(array)
    assert array.tolist() == [comm.size, sum(range(comm.size))]


def many_sums_of_many_sizes_do_not_meet(comm):
    for size in [1, 5, 4096, 4097] * 50:
        array = np.full(size, float(comm.rank + size))
        comm.sum(array)
        assert (array == sum(range(comm.size)) + size * comm.size).all()


def a_sum_that_is_begun_by_a_call_of_its_own_is_the_same(comm):
    """Made one with what comes behind it, where it is a kernel; the last rank comes late now and then."""
    array = np.zeros(3)
    calls = fused([comm.summing(array), kernels.sums.add.bound(array.dtype, array[:1], array[1:2])])

    def run():
        for call in calls:
            call()

    for number in range(40):
        array[...] = comm.rank + number
        if comm.rank == comm.size - 1 and number % 10 == 0:
            time.sleep(0.01)
        run()
        comm.settle(run)
        assert (array == np.array([2, 1, 1]) * (sum(range(comm.size)) + number * comm.size)).all()


def nobody_passes_a_barrier_alone(comm):
    """The last rank comes late; no other is through before it has come."""
    if comm.rank == comm.size - 1:
        time.sleep(0.1)
    came = time.monotonic()  # one clock for all processes of a machine
    comm.barrier()
    left = time.monotonic()
    times = [json.loads(data) for data in comm.gather_all(json.dumps([came, left]).encode())]
    assert max(came for came, _ in times) <= min(left for _, left in times)


def a_watch_is_told_of_waiting_and_going_on(comm):
    """Of every call that waits for others, or would have. A world of one waits for nobody, and goes on: else its keeper would end it."""
    comm.watch, told = Watch(), []
    for call in (lambda: comm.gather_all(b""), lambda: comm.broadcast(np.zeros(1)), lambda: comm.sum(np.zeros(1)), comm.barrier,
                 lambda: comm.alltoall(np.zeros(0), [0] * comm.size, np.zeros(0), [0] * comm.size)):
        call()
        told.append(comm.watch.told)
        comm.watch.told = []
    del comm.watch
    ways = [["waits", "goes on"], ["passes"]] if type(comm).__name__ == "MpiComm" else [["goes on"]]
    assert len(told) == 5 and all(each in ways for each in told)
    assert comm.table or ["passes"] not in told


class Watch:
    def __init__(self):
        self.told = []

    def waits(self):
        self.told.append("waits")

    def goes_on(self):
        self.told.append("goes on")

    def passes(self):
        self.told.append("passes")


def a_rank_knows_its_place_and_its_host(comm):
    assert comm.gather_all(str(comm.rank).encode()) == [str(rank).encode() for rank in range(comm.size)]
    assert comm.host


def an_ordinary_error_is_no_death(comm):
    assert not comm.is_death(ValueError("unrelated"))


def nobody_is_new_and_nobody_waits_to_join(comm):
    assert (comm.is_new, comm.are_newcomers_ready()) == (False, False)
    comm.abandon_newcomers()


CHECKS = {name: check for name, check in list(globals().items()) if callable(check) and not isinstance(check, type) and getattr(check, "__module__", "") == __name__}


@pytest.mark.parametrize("name", CHECKS)
def test_alone(name):
    CHECKS[name](Alone())


@pytest.mark.parametrize("ranks", [1, 2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_under_mpirun(mpirun, ranks):
    done = mpirun(ranks, __file__)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["MpiComm", ranks] + [dict.fromkeys(CHECKS, "kept")] * ranks * 2


def verdict(check, comm):
    """Goes on after a failure, so that all ranks make the same calls."""
    try:
        check(comm)
        return "kept"
    except Exception:
        return traceback.format_exc()


if __name__ == "__main__":
    world, told = connect(), []
    for shared in (False, True):
        Crew.meet(world, shared)
        mine = {name: verdict(check, world) for name, check in CHECKS.items()}
        told += [json.loads(data) for data in world.gather_all(json.dumps(mine).encode())]
    if world.rank == 0:
        print(json.dumps([type(world).__name__, world.size, *told]))
    world.close(0)
    sys.exit(0)
