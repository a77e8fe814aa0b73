"""What the tests beside this file start under mpirun: made-up gradients go through an exchange.

The argument is a list of cases, as JSON. `reduction`; `nodes`: the ranks that share memory, together; `held_by`: the shards of
each rank; `counts`: of each step, what its sum is divided by; `silent_from`: the step from which all gradients are
zero; `low_rank`: of the large matrix; `spoiled`: numbers in certain places; `at_once`; `window`. Prints for every rank, case and step the total, as bits.
"""

import dataclasses
import json
import sys

import numpy as np

from bpcore.arena import Layout, Owner
from tests.worker.exchange.summing import add_up
from worker.comm import Comm, connect
from worker.crew import Crew
from worker.exchange import REDUCTIONS
from worker.reduction import slices

WINDOW = slices.WINDOW
# A matrix, a vector, a running statistic, a matrix too small to be compressed; gaps between them.
LAYOUT = Layout([Owner("large", {"weight": (40, 30), "bias": (30,)}), Owner("norm", {"mean": (30,)}, {"mean": 0.1}),
                 Owner("small", {"weight": (3, 2)})])


def gradient_of(case: dict, step: int, shard: int) -> np.ndarray:
    """Of one shard; the gaps of the layout are zero."""
    gradient = LAYOUT.zeros()
    if step < case.get("silent_from", len(case["counts"])):
        draw = np.random.default_rng([step, shard])
        for view in gradient.named().values():
            view[...] = draw.normal(size=view.shape) * 10.0 ** draw.integers(-3, 1, view.shape)
        if rank := case.get("low_rank"):
            rows, columns = gradient.nodes[0]["weight"].shape
            gradient.nodes[0]["weight"][...] = np.random.default_rng(0).normal(size=(rows, rank)) @ draw.normal(size=(rank, columns))
    for place, value in case.get("spoiled", {}).items():
        gradient.flat[int(place)] = float(value)
    return gradient.flat


def totals(case: dict, comm: Comm) -> list[str]:
    """This rank's total of each step."""
    slices.WINDOW = case.get("window", WINDOW)
    crew = dataclasses.replace(Crew.meet(comm), nodes=case["nodes"])
    mine, size = case["held_by"][comm.rank], LAYOUT.size
    exchange = REDUCTIONS.build(case["reduction"]).open(crew, LAYOUT, sum(map(len, case["held_by"])), case.get("at_once", False))
    exchange.assign(case["held_by"])
    found = []
    for step, count in enumerate(case["counts"]):
        for shard in mine:
            exchange.buffer(shard).flat[...] = gradient_of(case, step, shard)
            if not case.get("at_once"):
                exchange.add(shard)
        for shard in mine if case.get("at_once") else []:
            exchange.add(shard)
        comm.barrier()  # where the vote is
        exchange.combine(count)
        low, high = (size * place // len(crew.mates) for place in (crew.place, crew.place + 1))
        add_up(exchange, slice(low, (low + high) // 2), slice((low + high) // 2, high))
        comm.barrier()  # where the commit is
        found.append(exchange.total.tobytes().hex())
        comm.barrier()
    return found


if __name__ == "__main__":
    np.seterr(all="ignore")
    world = connect()
    told = [json.loads(data) for data in world.gather_all(json.dumps([totals(case, world) for case in json.loads(sys.argv[1])]).encode())]
    if world.rank == 0:
        print(json.dumps(told))
    world.close(0)
