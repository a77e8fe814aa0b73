"""exact: the sum over all shards has the same bits on every rank and on any number of ranks."""

import json
import sys

import numpy as np
import pytest

from bpcore.arena import Layout
from worker.comm import connect
from worker.comm.alone import Alone
from worker.exchange.exact import Exact
from worker.exchange.tree import reduce
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


def exchanged(exchange, mine, size, step=0, lent=None):
    """What one step of the exchange gives, a copy; and `lent` gets the buffers that it lent."""
    for shard in mine:
        gradient = exchange.buffer()
        if lent is not None:
            lent.append(gradient)
        gradient.flat[...] = gradient_of(shard, size, step)
        exchange.add(shard, gradient)
    return exchange.finish().flat.copy()


def tree_sum(shards, size, step=0):
    """The same by the tree alone, in one process."""
    return reduce((0, shards), {(i, i + 1): gradient_of(i, size, step) for i in range(shards)}, np.add)


@pytest.mark.parametrize("shards", range(1, 18))
def test_alone_it_is_the_sum_in_the_trees_order(shards):
    exchange = Exact(Alone(), flat_layout(33), shards, [range(shards)])
    assert exchanged(exchange, range(shards), 33).tobytes() == tree_sum(shards, 33).tobytes()


def test_these_gradients_would_tell_another_order():
    assert tree_sum(17, 33).tobytes() != sum(gradient_of(i, 33) for i in range(17)).tobytes()


@pytest.mark.parametrize(("shards", "levels"), [(1, 1), (2, 2), (4, 3), (16, 5), (17, 5)])
def test_it_keeps_one_gradient_a_level_of_the_tree(shards, levels):
    exchange, lent = Exact(Alone(), flat_layout(8), shards, [range(shards)]), []
    for step in range(3):
        exchanged(exchange, range(shards), 8, step, lent)
    assert len({id(vector) for vector in lent}) == levels


# From here on the file is also the script that the tests below run under mpirun.

SIZES = (1, 2, 3, 16, 37, 1000)  # numbers in the flat vector; three are fewer than four ranks
SHARDS = (1, 2, 3, 5, 6, 8)


def all_assignments(shards, ranks):
    yield "even", [list(part) for part in assign(shards, ranks)]
    yield "round-robin", [list(range(rank, shards, ranks)) for rank in range(ranks)]
    yield "one rank has all", [[]] * (ranks - 1) + [list(range(shards))]


def check_all(comm):
    """Every size, number of shards and assignment, two steps each; what went wrong on this rank."""
    wrong = []
    for shards in SHARDS:
        for size in SIZES:
            exchange = Exact(comm, flat_layout(size), shards, [[]] * comm.size)
            for name, held_by in all_assignments(shards, comm.size):
                exchange.assign(held_by)
                for step in (0, 1):
                    if exchanged(exchange, held_by[comm.rank], size, step).tobytes() != tree_sum(shards, size, step).tobytes():
                        wrong.append(f"rank {comm.rank}: {shards} shards, size {size}, {name}, step {step}")
    return wrong


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_every_rank_gets_the_bits_of_one_rank(mpirun, ranks):
    done = mpirun(ranks, __file__)
    assert done.returncode == 0, done.stderr
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert verdicts == [[[] for _ in range(ranks)]]


if __name__ == "__main__":
    world = connect()
    told = [json.loads(data) for data in world.gather_all(json.dumps(check_all(world)).encode())]
    if world.rank == 0:
        print(json.dumps(told))
    sys.exit(0)
