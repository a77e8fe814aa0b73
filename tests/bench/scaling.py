"""Weak scaling: what a second rank adds where each has the same work, beside what the machine has to give.

    python tests/bench/scaling.py                      all workloads of this folder
    python tests/bench/scaling.py lenet --rounds 7

One rank trains half of a workload's batch, two ranks train the whole; and, as a bound that no exchange can pass, two
programs train half of it each at the same time and know nothing of each other: they share caches, memory and the
clock's budget all the same. Runs that are compared stand next to each other; the table shows medians of ratios.
"""

import argparse
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from compare import HERE, PATIENCE_S, WORKLOADS, hardware, run, table

from coordinator.launchers import mpirun

ALONE, TOGETHER, APART = "1 rank", "2 ranks", "2 programs"


def job(workload: str, ranks: int, folder: Path) -> Path:
    """The workload with that many halves of its batch, a shard each."""
    spec = yaml.safe_load((HERE / f"{workload}.yaml").read_text())
    path = folder / f"{workload}-{ranks}.yaml"
    path.write_text(yaml.safe_dump(spec | {"batch_size": spec["batch_size"] // 2 * ranks, "ranks": ranks, "logical_shards": ranks}))
    return path


def rates(workload: str, seconds: float, folder: Path) -> dict[str, float]:
    """Samples a second of one round."""
    launcher, patience_s = mpirun.program(), 3 * seconds + PATIENCE_S
    bench = [sys.executable, "-m", "worker.bench"]
    world = [launcher, *mpirun.options(mpirun.version(launcher)), "-n", "2", *bench]
    alone = [*bench, str(job(workload, 1, folder)), "--seconds", str(seconds)]
    together = [*world, str(job(workload, 2, folder)), "--seconds", str(seconds)]
    with ThreadPoolExecutor(2) as pool:
        found = {ALONE: run(alone, patience_s), TOGETHER: run(together, patience_s)}
        apart = list(pool.map(lambda command: run(command, patience_s), [alone, alone]))
    return {name: each["samples_s"] for name, each in found.items()} | {APART: sum(each["samples_s"] for each in apart)}


def row(workload: str, rounds: list[dict[str, float]]) -> list[str]:
    medians = [statistics.median(each[name] for each in rounds) for name in (ALONE, TOGETHER, APART)]
    ratios = [statistics.median(each[one] / each[other] for each in rounds)
              for one, other in ((TOGETHER, ALONE), (APART, ALONE), (TOGETHER, APART))]
    return [workload, *(f"{rate:,.0f}" for rate in medians), *(f"{ratio:.2f}" for ratio in ratios)]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Weak scaling from one rank to two.")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", default=WORKLOADS, help=f"of {', '.join(WORKLOADS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each runs (default: 3)")
    parser.add_argument("--seconds", type=float, default=4, metavar="S", help="how long each run measures (default: 4)")
    return parser.parse_args()


def main() -> int:
    chosen = parse()
    rows = [["workload, samples/s", ALONE, TOGETHER, APART, "2 ranks ÷ 1", "2 programs ÷ 1", "2 ranks ÷ 2 programs"]]
    with tempfile.TemporaryDirectory(prefix="bptrain-scaling-") as folder:
        for workload in chosen.workloads:
            rounds = []
            for i in range(chosen.rounds):
                rounds.append(rates(workload, chosen.seconds, Path(folder)))
                print(f"{workload} {i + 1}/{chosen.rounds}", {name: round(rate) for name, rate in rounds[-1].items()}, file=sys.stderr, flush=True)
            rows.append(row(workload, rounds))
    print("\n".join(table(rows)))
    print(f"\n{hardware()}; medians of {chosen.rounds} round(s).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
