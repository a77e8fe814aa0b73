"""Exchange and update on two ranks of one host, against what a user would build instead: `python tests/bench/exchange.py`.

    exact   a whole step of worker/step.py but for the model: vote, sum, Adam, commit; gradients are in the regions
    mpi     MPI_Allreduce, then on each rank the whole of the same Adam, in place
    numpy   MPI_Allreduce, then on each rank Adam in plain NumPy
    gloo    torch.distributed.all_reduce over gloo, then torch.optim.Adam(fused=True)

The ranks of all contestants live side by side (exchange_ranks.py) and sleep while others are measured. A round measures
one after the other; a figure is the median over rounds of the slower rank's time. exchange.md holds a run of it.
"""

import argparse
import datetime
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

RANKS = 2
ROUND_S = 0.2  # what takes less is repeated
WORLDS = {"mpi": ("exact", "mpi", "numpy"), "torch": ("gloo",)}
SCRIPT = Path(__file__).with_name("exchange_ranks.py")
MPIRUN = [str(Path(sys.executable).with_name("mpirun")), "--bind-to", "none", "--map-by", ":OVERSUBSCRIBE",
          "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp", "-n", str(RANKS)]

Measure = Callable[[int], float]  # how often → seconds for one


@contextmanager
def contestants(size: int) -> Iterator[dict[str, Measure]]:
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory()))
        measures = {kind: stack.enter_context(world(kind, size, place)) for kind in WORLDS}
        yield {name: partial(measures[kind], name) for kind, names in WORLDS.items() for name in names}


@contextmanager
def world(kind: str, size: int, place: Path) -> Iterator[Callable[[str, int], float]]:
    """Starts two ranks; yields (contestant, how often) → seconds for one, the slower rank's."""
    command = [sys.executable, str(SCRIPT), kind, str(size), str(place)]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / kind))
        listener.listen(RANKS)
        listener.settimeout(300)
        started = [subprocess.Popen([*MPIRUN, *command])] if kind == "mpi" else [
            subprocess.Popen(command, env=os.environ | {"RANK": str(rank)}) for rank in range(RANKS)]
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
    for process in started:
        process.wait(60)


def compare(size: int, rounds: int) -> dict[str, float]:
    """Contestant → median seconds."""
    with contestants(size) as measures:
        times = {name: max(1, int(ROUND_S / min(measure(3) for _ in range(2)))) for name, measure in measures.items()}
        seconds = [{name: measure(times[name]) for name, measure in measures.items()} for _ in range(rounds)]
    return {name: median(each[name] for each in seconds) for name in measures}


def table(rows: dict[int, dict[str, float]]) -> Iterator[str]:
    names = list(next(iter(rows.values())))
    heads = [*(f"{name}, ms" for name in names), *(f"{name} ÷ exact" for name in names[1:])]
    yield "| parameters | " + " | ".join(heads) + " |"
    yield "|" + "---:|" * (1 + len(heads))
    for size, seconds in rows.items():
        cells = [*(f"{1000 * seconds[name]:,.3f}" for name in names), *(f"{seconds[name] / seconds['exact']:.1f}" for name in names[1:])]
        yield f"| {size:,} | " + " | ".join(cells) + " |"


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}, Linux, Python {platform.python_version()}, NumPy {np.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**i for i in range(3, 9)])
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    rows = {size: compare(size, chosen.rounds) for size in chosen.sizes}
    print(f"{machine()}, {datetime.date.today()}\n", *table(rows), sep="\n")


if __name__ == "__main__":
    main()
