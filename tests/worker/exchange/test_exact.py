"""exact: the sum over all shards has the same bits on every rank, on any number of ranks, however they share memory."""

import dataclasses
import json
import sys

import numpy as np
import psutil
import pytest

from bpcore.arena import Layout
from tests.worker.exchange.summing import add_up
from worker.comm import connect
from worker.comm.alone import Alone
from worker.crew import Crew
from worker.exchange.exact import Exact
from worker.reduction import slices
from worker.reduction.tree import reduce
from worker.shards import assign


def flat_layout(size):
    """A layout of any size, also one smaller than the number of ranks."""
    layout = Layout([])
    layout.size = size
    return layout


def gradient_of(shard, size, step=0):
    """Numbers of very different sizes, so that another order of additions gives other bits."""
    draw = np.random.default_rng([shard, size, step])
    return (draw.normal(size=size) * 10.0 ** draw.integers(-6, 6, size)).astype(np.float32)


def opened(crew, size, shards, held_by, at_once=False):
    exchange = Exact().open(crew, flat_layout(size), shards, at_once)
    exchange.assign(held_by)
    return exchange


def exchanged(crew, exchange, mine, size, step=0):
    """What one step of the exchange gives, a copy; each rank asks for its part of the node's sum, in two pieces."""
    for shard in mine:
        exchange.buffer(shard).flat[...] = gradient_of(shard, size, step)
        exchange.add(shard)
    crew.comm.barrier()  # where the vote is
    exchange.combine(1)
    low, high = (size * place // len(crew.mates) for place in (crew.place, crew.place + 1))
    add_up(exchange, slice(low, (low + high) // 2), slice((low + high) // 2, high))
    crew.comm.barrier()  # where the commit is
    total = exchange.total.copy()
    crew.comm.barrier()
    return total


def tree_sum(shards, size, step=0):
    """The same by the tree alone, in one process."""
    return reduce((0, shards), {(i, i + 1): gradient_of(i, size, step) for i in range(shards)}, np.add)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("shards", range(1, 18))
def test_alone_it_is_the_sum_in_the_trees_order(shards, at_once):
    crew = Crew.meet(Alone())
    exchange = opened(crew, 33, shards, [range(shards)], at_once)
    assert exchanged(crew, exchange, range(shards), 33).tobytes() == tree_sum(shards, 33).tobytes()


def test_these_gradients_would_tell_another_order():
    assert tree_sum(17, 33).tobytes() != sum(gradient_of(i, 33) for i in range(17)).tobytes()


@pytest.mark.parametrize(("shards", "levels"), [(1, 1), (2, 2), (4, 3), (8, 4), (16, 5), (17, 5)])
def test_it_keeps_one_gradient_a_level_of_the_tree(shards, levels):
    exchange = opened(Crew.meet(Alone()), 8, shards, [range(shards)])
    assert len({exchange.buffer(shard).flat.ctypes.data for shard in range(shards)}) == levels


def test_accumulating_takes_the_memory_of_those_levels():
    """Eight shards of 4 MB on one rank: four gradients and not eight, however many steps."""
    size, shards = 1 << 20, 8
    exchange, before = opened(Crew.meet(Alone()), size, shards, [range(shards)]), psutil.Process().memory_info().shared
    for _ in range(3):
        for shard in range(shards):
            exchange.buffer(shard).flat.fill(shard)
            exchange.add(shard)
        exchange.combine(1), add_up(exchange, slice(0, size))
        assert (exchange.total == sum(range(shards))).all()
    assert psutil.Process().memory_info().shared - before < 4 * 4 * size + (1 << 20)


def test_shards_computed_side_by_side_have_a_buffer_each():
    exchange = opened(Crew.meet(Alone()), 8, 6, [range(6)], at_once=True)
    assert len({exchange.buffer(shard).flat.ctypes.data for shard in range(6)}) == 6


# From here on the file is also the script that the tests below run under mpirun.

SIZES = (1, 3, 37)  # numbers in the flat vector; three are fewer than four ranks
SHARDS = (1, 2, 3, 6, 8)


def all_assignments(shards, ranks):
    yield "even", [list(part) for part in assign(shards, ranks)]
    yield "round-robin", [list(range(rank, shards, ranks)) for rank in range(ranks)]
    yield "one rank has all", [[]] * (ranks - 1) + [list(range(shards))]


def partitions(ranks):
    """Every way for ranks to share memory: 15 for four of them."""
    if not ranks:
        yield []
        return
    for nodes in partitions(ranks[:-1]):
        yield [*nodes, ranks[-1:]]
        for i in range(len(nodes)):
            yield [*nodes[:i], [*nodes[i], ranks[-1]], *nodes[i + 1:]]


def check_all(comm, window, sizes):
    """Every grouping, size, number of shards and assignment, two steps each; what went wrong on this rank."""
    slices.WINDOW = window
    wrong = []
    met = Crew.meet(comm)
    assert list(map(list, met.nodes)) == [list(range(comm.size))]  # all of these ranks are on this machine
    for nodes in partitions(list(range(comm.size))):
        crew = dataclasses.replace(met, nodes=nodes)
        for shards in SHARDS:
            for size in sizes:
                exchange = opened(crew, size, shards, [[]] * (comm.size - 1) + [list(range(shards))], at_once=shards == 3)
                for name, held_by in all_assignments(shards, comm.size):
                    exchange.assign(held_by)
                    for step in (0, 1):
                        if exchanged(crew, exchange, held_by[comm.rank], size, step).tobytes() != tree_sum(shards, size, step).tobytes():
                            wrong.append(f"rank {comm.rank}: nodes {nodes}, {shards} shards, size {size}, {name}, step {step}")
    return wrong


@pytest.mark.parametrize(("ranks", "window", "sizes"), [
    *[pytest.param(ranks, slices.WINDOW, SIZES, id=f"{ranks} ranks", marks=[pytest.mark.slow] * (ranks > 3)) for ranks in (1, 2, 3, 4)],
    pytest.param(3, 10, [37], id="in windows of ten numbers")])
def test_every_rank_gets_the_bits_of_one_rank(mpirun, ranks, window, sizes):
    """Also with unequal ranks a node, and with a node each, as without shared memory."""
    done = mpirun(ranks, __file__, window, *sizes)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[] for _ in range(ranks)]


if __name__ == "__main__":
    world, (window, *sizes) = connect(), map(int, sys.argv[1:])
    told = [json.loads(data) for data in world.gather_all(json.dumps(check_all(world, window, sizes)).encode())]
    if world.rank == 0:
        print(json.dumps(told))
    world.close(0)
    sys.exit(0)
