"""Data that stays on disk: mapped, read ahead of the step, and the same bits as from memory."""

import re

import numpy as np
import pytest

from worker.datasets.npz import LARGE_BYTES

SAMPLES = 2048
WIDTH = LARGE_BYTES // SAMPLES // 4 + 1


@pytest.fixture
def digest(workplace):
    """`digest("train.npz", 2)`: of a job on this archive, by so many ranks."""
    job = {"model": {"input": [WIDTH], "layers": [{"linear": {"units": 10}}]}, "batch_size": 256, "epochs": 2, "logical_shards": 4}

    def run(archive, ranks):
        path = workplace.job(data={"train": {"npz": {"path": archive}}}, ranks=ranks, name=f"{archive.partition('.')[0]}-{ranks}", **job)
        done = workplace.bptrain("run", path, "--ranks", ranks)
        assert done.returncode == 0, done.stderr
        return re.search(r"sha256:(\w+)", done.stdout)[1]

    return run


@pytest.mark.slow
def test_a_job_gives_the_same_bits_from_disk_as_from_memory(workplace, digest):
    random = np.random.default_rng(4)
    x = np.zeros((SAMPLES, WIDTH), np.float32)
    x[:, :64] = random.standard_normal((SAMPLES, 64), np.float32)
    y = random.integers(0, 10, SAMPLES)
    np.savez(workplace.folder / "large.npz", x=x, y=y)
    np.savez_compressed(workplace.folder / "packed.npz", x=x, y=y)
    assert digest("large.npz", 1) == digest("large.npz", 2) == digest("packed.npz", 2)
