"""Ours and what one would pick instead, in turn, on the workloads of this folder.

    python tests/bench/compare.py                                  all seven; the table that README shows
    python tests/bench/compare.py lenet gpt --rounds 7 --seconds 10
    python tests/bench/compare.py --memory resnet20 gpt            memory alone, one short run each
    python tests/bench/compare.py --jax PYTHON                     also JAX, from an environment that has it

A machine's speed drifts, so runs that are compared stand next to each other: a round runs every contender
once, ratios are taken within a round, and the table shows the median over rounds.
Tables go to standard output (and, with --out, JSON of every run to a file), progress to standard error.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy  # noqa: F401  its BLAS is named beside the figures
from threadpoolctl import threadpool_info

from coordinator.launchers import mpirun

HERE = Path(__file__).resolve().parent
WORKLOADS = ["keras_mlp", "mnist_mlp", "wide_mlp", "lenet", "resnet20", "char_lstm", "gpt"]
TITLES = {"ours": "ours, 2 ranks", "ddp": "PyTorch DDP, 2 ranks", "torch": "PyTorch, 1 process, 2 threads", "jax": "JAX, 1 process"}
JAX = {"keras_mlp", "mnist_mlp", "wide_mlp", "lenet", "char_lstm"}  # what jax_peer.py has
PATIENCE_S = 120  # beyond the time to measure: imports, compilation, the first steps

Found = dict[str, list[dict]]  # contender → what each round printed


def commands(workload: str, chosen: argparse.Namespace) -> dict[str, list[str]]:
    """Contender → what prints a line of JSON as worker/bench.py does."""
    launcher, peer, seconds = mpirun.program(), str(HERE / "torch_peer.py"), ["--seconds", str(chosen.seconds)]
    ranks = [launcher, *mpirun.options(mpirun.version(launcher)), "-n", "2", sys.executable, "-m", "worker.bench"]
    found = {
        "ours": [*ranks, str(HERE / f"{workload}.yaml"), *seconds],
        "ddp": [chosen.torch, "-m", "torch.distributed.run", "--nproc-per-node", "2", peer, workload, *seconds],
        "torch": [chosen.torch, peer, workload, "--threads", "2", *seconds],
    }
    return found | ({"jax": [chosen.jax, str(HERE / "jax_peer.py"), workload, *seconds]} if chosen.jax and workload in JAX else {})


def run(command: list[str], patience_s: float) -> dict:
    """What the command prints as JSON. Raises RuntimeError with its last words when it fails."""
    environment = {name: value for name, value in mpirun.environment().items() if not name.endswith("_NUM_THREADS")}  # each has its own way
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate(timeout=patience_s)
    except BaseException:
        process.terminate()  # a launcher ends its ranks
        process.communicate()
        raise
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if process.returncode or not lines:
        raise RuntimeError(f"{' '.join(command)} failed:\n{err[-2000:]}")
    return json.loads(lines[-1])


def run_again(command: list[str], patience_s: float) -> dict:
    """The same, with a second try: PyTorch DDP now and then dies at its end (SIGABRT)."""
    try:
        return run(command, patience_s)
    except RuntimeError as error:
        print(f"{error}\ntrying once more …", end=" ", file=sys.stderr, flush=True)
        return run(command, patience_s)


def measure(found: dict[str, Found], chosen: argparse.Namespace) -> None:
    """Fills `found`, workload by workload, so that an interrupt leaves what is there."""
    for workload in chosen.workloads:
        rivals = commands(workload, chosen)
        runs = found.setdefault(workload, {rival: [] for rival in rivals})
        for i in range(chosen.rounds):
            for rival, command in rivals.items():
                print(f"{workload} {i + 1}/{chosen.rounds} {TITLES[rival]} …", end=" ", file=sys.stderr, flush=True)
                runs[rival].append(run_again(command, chosen.seconds * 3 + PATIENCE_S))
                print(f"{runs[rival][-1]['samples_s']:,.0f} samples/s", file=sys.stderr, flush=True)


def medians(runs: Found, key: str) -> dict[str, float]:
    return {rival: statistics.median(run[key] for run in done) for rival, done in runs.items() if done}


def ratio(runs: Found, rivals: tuple[str, ...]) -> float | None:
    """Ours by the best of `rivals`, round by round; the median. None where they have not run."""
    if not all(rival in runs for rival in rivals):
        return None
    rounds = zip(runs["ours"], *(runs[rival] for rival in rivals))
    return statistics.median(ours["samples_s"] / max(peer["samples_s"] for peer in peers) for ours, *peers in rounds)


def speed_table(found: dict[str, Found]) -> list[str]:
    """Samples a second, and ratios."""
    names = [name for name in TITLES if any(name in runs for runs in found.values())]
    rivals = {"ours ÷ best of PyTorch's two": ("ddp", "torch"), "ours ÷ PyTorch DDP": ("ddp",)}
    rivals |= {"ours ÷ JAX": ("jax",)} if "jax" in names else {}
    rows = [["workload", *(TITLES[name] for name in names), *rivals]]
    ratios = {workload: [ratio(runs, peers) for peers in rivals.values()] for workload, runs in found.items()}
    for workload, runs in found.items():
        rates = medians(runs, "samples_s")
        rows.append([workload, *(f"{rates[name]:,.0f}" if name in rates else "–" for name in names), *map(_two, ratios[workload])])
    means = [math.exp(statistics.fmean(math.log(each) for each in column if each)) for column in zip(*ratios.values())]
    return table([*rows, ["geometric mean", *[""] * len(names), *map(_two, means)]])


def _two(number: float | None) -> str:
    """With two decimals."""
    return "–" if number is None else f"{number:.2f}"


def memory_table(found: dict[str, Found]) -> list[str]:
    """The most that a rank has held at a time, in MB; memory that ranks share is each one's, but in the second column."""
    rows = [["workload, MB a rank", TITLES["ours"], "ours, at the end, shared memory divided", TITLES["ddp"], TITLES["torch"], "ours ÷ PyTorch DDP"]]
    for workload, runs in found.items():
        rss, pss = medians(runs, "rss_bytes"), statistics.median(run["pss_bytes"] for run in runs["ours"])
        numbers = [rss["ours"], pss, rss["ddp"], rss["torch"]]
        rows.append([workload, *(f"{number / 1e6:,.0f}" for number in numbers), f"{rss['ours'] / rss['ddp']:.2f}"])
    return table(rows)


def table(rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]]]


def machine(found: dict[str, Found]) -> str:
    """Where and when, in one line."""
    torch = next((run["version"] for runs in found.values() for run in runs["ddp"]), "?")
    rounds = max(len(runs["ours"]) for runs in found.values())
    return f"{hardware()}, PyTorch {torch}; medians of {rounds} round(s)."


def hardware() -> str:
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    blas = " and ".join(f"{pool['internal_api']} {pool['version']} for {pool.get('architecture', '?')}" for pool in threadpool_info()
                        if pool["user_api"] == "blas")
    return f"{date.today()}, {os.cpu_count()} cores of {cpu}, Python {sys.version.split()[0]}, NumPy {version('numpy')} with {blas}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Throughput and memory beside PyTorch's, run in turn.")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)} (default: all)")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each contender runs (default: 5; with --memory 1)")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long each run measures (default: 6; with --memory 2)")
    parser.add_argument("--memory", action="store_true", help="the table of memory alone")
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON", help="an interpreter that has PyTorch (default: this one)")
    parser.add_argument("--jax", metavar="PYTHON", help="an interpreter that has JAX and Optax (default: leave JAX out)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write JSON of every run here")
    chosen = parser.parse_args()
    if unknown := set(chosen.workloads) - set(WORKLOADS):
        parser.error(f"unknown workload {', '.join(sorted(unknown))}; known: {', '.join(WORKLOADS)}")
    chosen.workloads = chosen.workloads or WORKLOADS
    chosen.rounds = chosen.rounds or (1 if chosen.memory else 5)
    chosen.seconds = chosen.seconds or (2 if chosen.memory else 6)
    return chosen


def main() -> int:
    chosen, found, code = parse(), {}, 0
    try:
        measure(found, chosen)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except RuntimeError as error:
        print(error, file=sys.stderr)
        code = 1
    found = {workload: runs for workload, runs in found.items() if all(runs.values())}
    if found:
        tables = [memory_table(found)] if chosen.memory else [speed_table(found), memory_table(found)]
        print("\n\n".join("\n".join(lines) for lines in [*tables, [machine(found)]]))
        if chosen.out:
            chosen.out.write_text(json.dumps({"machine": machine(found), "runs": found}, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
