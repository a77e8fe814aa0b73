"""Exchange and update on two ranks of one host, against what a user would build instead: `python tests/bench/exchange.py`.

    exact   worker/step.py's own path from the vote to the commit: gradients lie in the regions, Adam
    mpi     MPI_Allreduce, then on each rank the whole of our own Adam, which is faster than plain NumPy's
    numpy   MPI_Allreduce, then on each rank Adam as a straightforward program writes it
    gloo    torch.distributed.all_reduce over gloo, then torch.optim.Adam(fused=True); left out without torch

Each contestant's ranks live through a whole size and wait at a socket while others are measured. A round
measures all of them one after the other; a figure is the median over rounds of the slower rank's time.
"""

import argparse
import datetime
import importlib.util
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from math import isqrt
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
import numpy as np

RANKS = 2
ROUND_S = 0.2  # what takes less is repeated
WORLDS = {"mpi": ("exact", "mpi", "numpy"), "torch": ("gloo",)}
MODULES = {"mpi": "mpi4py", "torch": "torch"}
MPIRUN = [str(Path(sys.executable).with_name("mpirun")), "--bind-to", "none", "--map-by", ":OVERSUBSCRIBE",
          "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp"]


# The ranks' side.


def exact_and_mpi(size: int) -> tuple[Callable[[], None], dict[str, Callable[[], None]]]:
    """(barrier, contestant → one exchange and update) for this rank of MPI's world."""
    from mpi4py import MPI

    import bpcore
    from bpcore.model import Model
    from bpcore.update import Pace, Updater
    from worker import holding, replica
    from worker.comm import connect
    from worker.crew import Crew
    from worker.exchange.exact import Exact
    from worker.step import Stepper

    comm = connect()
    crew, units = Crew.meet(comm), isqrt(size)
    model = Model(bpcore.parse({"model": {"input": [size // units - 1], "layers": [{"kind": "linear", "attributes": {"units": units}}]},
                                "loss": "mse", "optimizer": "adam"}))
    updater, layout = Updater(model.spec, model.layout), model.layout
    name, room = f"bench-{os.getppid()}-{size}", replica.size_bytes(layout, updater, model.row_width)
    held = holding.hold(name, room, 1, True) if crew.leads else None
    comm.barrier()
    held = held or holding.hold(name, room, 1, False)
    stepper = Stepper(crew, model, updater, replica.Replica(layout, updater, held.segment, model.row_width), Exact(), None, None, RANKS)
    stepper.assign([[rank] for rank in range(RANKS)])
    stepper.exchange.buffer(comm.rank).flat[...] = draw(comm.rank, layout.size)
    stepper.replica.set(0)
    comm.barrier()
    held.end()

    def exact() -> None:
        vote = stepper.voter.vote({comm.rank: np.ones(model.row_width)})
        stepper.exchange.combine()
        stepper._update(Pace(stepper.replica.steps + 1, 64, 64))
        stepper._commit(vote)

    gradient = draw(comm.rank, layout.size)
    total, p, m, v = np.zeros((4, layout.size), np.float32)
    state, steps = {"m": m, "v": v}, count(1)

    def mpi() -> None:
        MPI.COMM_WORLD.Allreduce(gradient, total)
        updater.update(Pace(next(steps), 64, 64), total, p, state, p, state)

    def numpy() -> None:
        MPI.COMM_WORLD.Allreduce(gradient, total)
        adam(total / 64, p, m, v, next(steps))

    return comm.barrier, {"exact": exact, "mpi": mpi, "numpy": numpy}


def adam(gradient: np.ndarray, p: np.ndarray, m: np.ndarray, v: np.ndarray, step: int) -> None:
    m *= 0.9
    m += 0.1 * gradient
    v *= 0.999
    v += 0.001 * gradient**2
    p -= 0.001 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)


def gloo(size: int, rank: int, place: Path) -> tuple[Callable[[], None], dict[str, Callable[[], None]]]:
    import torch
    import torch.distributed as distributed

    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{place}", rank=rank, world_size=RANKS)
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


def serve(world: str, size: int, place: Path) -> None:
    """One rank: measures what the driver asks for, until it hangs up."""
    rank = int(os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ["RANK"])
    barrier, runs = exact_and_mpi(size) if world == "mpi" else gloo(size, rank, place / "gloo")
    with socket.socket(socket.AF_UNIX) as driver:
        driver.connect(str(place / world))
        stream = driver.makefile("rw")
        for line in stream:
            name, times = line.split()
            barrier()
            began = time.perf_counter()
            for _ in range(int(times)):
                runs[name]()
            print(time.perf_counter() - began, file=stream, flush=True)


# The driver's side.


@contextmanager
def world(kind: str, size: int, place: Path) -> Iterator[Callable[[str, int], float]]:
    """Starts two ranks; yields (contestant, count) → seconds for one, of the slower rank."""
    command = [sys.executable, __file__, "--serve", kind, str(size), str(place)]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / kind))
        listener.listen(RANKS)
        if kind == "mpi":
            processes = [subprocess.Popen([*MPIRUN, "-n", str(RANKS), *command])]
        else:
            processes = [subprocess.Popen(command, env=os.environ | {"RANK": str(rank)}) for rank in range(RANKS)]
        listener.settimeout(120)
        connections = [listener.accept()[0] for _ in range(RANKS)]
    streams = [connection.makefile("rw") for connection in connections]

    def measure(name: str, times: int) -> float:
        for stream in streams:
            print(name, times, file=stream, flush=True)
        return max(float(stream.readline()) for stream in streams) / times

    yield measure
    for stream, connection in zip(streams, connections):
        stream.close()
        connection.close()
    for process in processes:
        process.wait(60)


@contextmanager
def contestants(size: int) -> Iterator[dict[str, Callable[[int], float]]]:
    """Name → (count → seconds for one)."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory()))
        kinds = [kind for kind in WORLDS if importlib.util.find_spec(MODULES[kind])]
        measures = {kind: stack.enter_context(world(kind, size, place)) for kind in kinds}
        yield {name: partial(measures[kind], name) for kind in kinds for name in WORLDS[kind]}


def compare(size: int, rounds: int) -> dict[str, float]:
    """Contestant → median seconds."""
    with contestants(size) as measures:
        counts = {name: max(1, int(ROUND_S / measure(3))) for name, measure in measures.items()}
        times = [{name: measure(counts[name]) for name, measure in measures.items()} for _ in range(rounds)]
    return {name: median(each[name] for each in times) for name in measures}


def table(rows: dict[int, dict[str, float]]) -> Iterator[str]:
    names = list(next(iter(rows.values())))
    others = names[1:]
    yield "| parameters | " + " | ".join([f"{name}, ms" for name in names] + [f"{name} ÷ exact" for name in others]) + " |"
    yield "|" + "---:|" * (1 + len(names) + len(others))
    for size, seconds in rows.items():
        cells = [f"{1000 * seconds[name]:,.3f}" for name in names] + [f"{seconds[name] / seconds['exact']:.1f}" for name in others]
        yield f"| {size:,} | " + " | ".join(cells) + " |"


def machine() -> str:
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} × {names[0]}, Linux {platform.release()}, Python {platform.python_version()}, NumPy {np.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**i for i in range(3, 9)])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", nargs=3, metavar=("WORLD", "SIZE", "PLACE"), help="be one rank")
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve[0], int(chosen.serve[1]), Path(chosen.serve[2]))
        return
    rows = {size: compare(size, chosen.rounds) for size in chosen.sizes}
    print(f"{machine()}, {datetime.date.today()}\n", *table(rows), sep="\n")


if __name__ == "__main__":
    main()
