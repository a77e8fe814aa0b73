"""Sixty-four ranks on a machine with far fewer cores: right bits, and one replica in memory."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

RANKS = 64


@pytest.fixture
def job(tmp_path):
    draw = np.random.default_rng(1)
    np.savez(tmp_path / "train.npz", x=draw.normal(size=(1280, 32)).astype(np.float32), y=draw.integers(0, 10, 1280))
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump({
        "name": "many", "data": {"train": {"npz": {"path": "train.npz"}}},
        "model": {"input": [32], "layers": [{"linear": {"units": 4096}}, "relu", {"linear": {"units": 10}}]},
        "loss": "softmax_cross_entropy", "optimizer": "adam", "batch_size": 128, "epochs": 40, "seed": 3,
        "logical_shards": RANKS, "recovery": {"deadline_s": 120}}))
    return path


def shared(pid):
    """Inode → (size, proportional share) in KiB of each memory file that the process maps."""
    found = {}
    for block in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{pid}/smaps").read_text()):
        if "/memfd:bptrain" in block:
            inode = block.split()[4]
            size, share = (int(re.search(rf"(?m)^{name}: +(\d+) kB", block)[1]) for name in ("Size", "Pss"))
            before = found.get(inode, (0, 0))
            found[inode] = (before[0] + size, before[1] + share)
    return found


@pytest.mark.slow
def test_sixty_four_ranks_give_the_bits_of_one_and_hold_one_replica(start, run_alone, job):
    undisturbed = run_alone(job, ["--data-root", job.parent])
    run = start(job, ranks=RANKS, more=["--data-root", job.parent])
    run.wait_until(lambda: run.steps() > 5)
    maps = [shared(pid) for pid in run.pids()]
    everywhere = set.intersection(*map(set, maps))
    sizes = {inode: maps[0][inode][0] for inode in everywhere}
    replica = max(everywhere, key=lambda inode: sum(each[inode][1] for each in maps))
    vectors_kib = 6 * 4 * (32 * 4096 + 4096 + 4096 * 10) // 1024  # twice parameters, m and v
    assert sizes[replica] >= vectors_kib
    assert sum(each[replica][1] for each in maps) < 1.2 * sizes[replica]
    assert (run.end().digest, run.curve()) == undisturbed
