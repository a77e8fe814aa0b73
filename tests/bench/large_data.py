"""A set larger than memory should be: how much a rank holds, and how long a step waits for its samples.

    python tests/bench/large_data.py --gb 20 --ranks 2

Writes an archive (np.savez's format, so large that it stays on disk), trains a layer on it with worker.bench, prints a table
and removes it. `memory` is the most that a rank has held, the archive's pages in it counted. `waits` is the share of a step
that goes into getting its samples. What the system keeps of the file in memory, it keeps; with `--drop-caches` (root) it is
made to forget the file before the measurement, so that a disk is read.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import yaml

WIDTH, BLOCK = 4096, 1 << 12  # numbers in a sample; samples written at a time
LAYERS = [{"linear": {"units": 1024}}, "relu", {"linear": {"units": 10}}]


def write(path: Path, samples: int) -> None:
    """x (samples, WIDTH) float32 and y (samples,), block by block; the same numbers in each but one, since drawing would take
    longer than writing."""
    draw = np.random.default_rng(0)
    numbers, labels = draw.standard_normal((BLOCK, WIDTH), np.float32), draw.integers(0, 10, BLOCK)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, dtype, shape in (("x", "<f4", (samples, WIDTH)), ("y", "<i8", (samples,))):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
                for start in range(0, samples, BLOCK):
                    numbers[:, 0] = start / samples
                    block = (numbers if name == "x" else labels)[:samples - start]
                    file.write(block.astype(dtype, copy=False).data)


def job(batch_size: int) -> dict:
    return {"name": "large", "data": {"train": {"npz": {"path": "large.npz"}}}, "model": {"input": [WIDTH], "layers": LAYERS},
            "loss": "softmax_cross_entropy", "optimizer": {"sgd": {"learning_rate": 0.001}}, "batch_size": batch_size, "epochs": 1,
            "seed": 1, "logical_shards": 4}


def measured(folder: Path, ranks: int, seconds: float) -> dict:
    mpirun = [str(Path(sys.executable).with_name("mpirun")), "--mca", "pml", "ob1", "--mca", "btl", "self,sm,tcp", "--map-by", ":OVERSUBSCRIBE",
              "-n", str(ranks)]
    command = [*mpirun, sys.executable, "-m", "worker.bench", "job.yaml", "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gb", type=float, default=4, help="of the archive; a tenth more must be free")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--folder", type=Path, help="where the archive goes (default: a temporary folder)")
    parser.add_argument("--drop-caches", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bptrain-large-", dir=asked.folder) as name:
        folder = Path(name)
        write(folder / "large.npz", int(asked.gb * 1e9 / (WIDTH * 4 + 8)))
        (folder / "job.yaml").write_text(yaml.safe_dump(job(asked.batch_size)))
        if asked.drop_caches:
            os.sync()
            Path("/proc/sys/vm/drop_caches").write_text("1")
        found = measured(folder, asked.ranks, asked.seconds)
        size = (folder / "large.npz").stat().st_size
    step = sum(found["breakdown"].values())
    print("| archive | ranks | samples a second | a step | waits | memory of a rank |\n| --- | --- | --- | --- | --- | --- |")
    print(f"| {size / 1e9:.1f} GB | {asked.ranks} | {found['samples_s']:,.0f} | {step * 1e3:.1f} ms | {found['breakdown']['read'] / step:.1%} "
          f"| {found['rss_bytes'] / 1e6:.0f} MB |")


if __name__ == "__main__":
    main()
