"""One rank of exchange.py's contestants: waits for the driver to name one and how often, and says how long it took.

Gradients are there already, made of random numbers; each contestant's sum goes elsewhere than into its own gradient,
or is divided by the ranks, so that repeating it neither overflows nor vanishes.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from itertools import count
from math import isqrt
from pathlib import Path
from types import SimpleNamespace

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
import numpy as np

RANKS = 2

# (barrier, contestant → one exchange and update)
World = tuple[Callable[[], None], dict[str, Callable[[], object]]]


def mpi(size: int, place: Path) -> World:
    from mpi4py import MPI

    import bpcore
    from bpcore.model import Model
    from bpcore.optimization.update import Pace, Updater
    from worker.comm import connect
    from worker.crew import Crew
    from worker.exchange.exact import Exact
    from worker.node import holding, replica
    from worker.shards import Schedule
    from worker.step import Stepper
    from worker.vote import Flags

    comm = connect()
    crew, units = Crew.meet(comm), isqrt(size)
    model = Model(bpcore.parse({"model": {"input": [size // units - 1], "layers": [{"kind": "linear", "attributes": {"units": units}}]},
                                "loss": "mse", "optimizer": "adam"}))
    updater, layout = Updater(model.spec, model.layout), model.layout
    held = shared(comm, holding, f"bench-{place.name}-{size}", replica.size_bytes(layout, updater, model.row_width), crew.leads)
    data, row = SimpleNamespace(may_skip=False, part=lambda order, place: {"x": order[place]}), np.ones(model.row_width)
    data.of_epoch = lambda epoch: data
    stepper = Stepper(crew, model, updater, replica.Replica(layout, updater, held.segment, model.row_width), Exact(),
                      data, Schedule(64 * 10**4, 64, 10**4, 0), RANKS)
    stepper.assign([[rank] for rank in range(RANKS)])
    stepper.exchange.buffer(comm.rank).flat[...] = draw(comm.rank, layout.size)
    stepper.exchange.gradient = lambda *_: row
    stepper.replica.set(0)
    comm.barrier()
    held.end()

    gradient = draw(comm.rank, layout.size)
    total, p, m, v = np.zeros((4, layout.size), np.float32)
    state, steps = {"m": m, "v": v}, count(1)

    def reduced() -> np.ndarray:
        MPI.COMM_WORLD.Allreduce(gradient, total)
        return total

    return comm.barrier, {
        "exact": lambda: stepper.run(stepper.replica.steps, 1.0, Flags),
        "mpi": lambda: updater.update(Pace(next(steps), 64, 64), reduced(), p, state, p, state),
        "numpy": lambda: adam(reduced() / 64, p, m, v, next(steps))}


def shared(comm, holding, name: str, size_bytes: int, leads: bool):
    """The segment of all ranks: the first one starts the keeper."""
    held = holding.hold(name, 1, size_bytes, 5, True) if leads else None
    comm.barrier()
    return held or holding.hold(name, 1, size_bytes, 5, False)


def adam(gradient: np.ndarray, p: np.ndarray, m: np.ndarray, v: np.ndarray, step: int) -> None:
    """As a program in plain NumPy has it."""
    m *= 0.9
    m += 0.1 * gradient
    v *= 0.999
    v += 0.001 * gradient**2
    p -= 0.001 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)


def torch(size: int, place: Path) -> World:
    import torch
    from torch import distributed

    torch.set_num_threads(1)
    rank = int(os.environ["RANK"])
    distributed.init_process_group("gloo", f"file://{place / 'rendezvous'}", rank=rank, world_size=RANKS)
    p = torch.nn.Parameter(torch.zeros(size))
    p.grad = torch.from_numpy(draw(rank, size))
    optimizer = torch.optim.Adam([p], lr=0.001, fused=True)

    def run() -> None:
        distributed.all_reduce(p.grad)
        p.grad /= RANKS
        optimizer.step()

    return distributed.barrier, {"gloo": run}


def draw(rank: int, size: int) -> np.ndarray:
    return np.random.default_rng(rank).standard_normal(size, np.float32)


def main(kind: str, size: str, place: str) -> None:
    barrier, runs = {"mpi": mpi, "torch": torch}[kind](int(size), Path(place))
    with socket.socket(socket.AF_UNIX) as driver:
        driver.connect(str(Path(place, kind)))
        stream = driver.makefile("rw")
        for line in stream:
            name, times = line.split()
            barrier()
            began = time.perf_counter()
            for _ in range(int(times)):
                runs[name]()
            print(time.perf_counter() - began, file=stream, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
