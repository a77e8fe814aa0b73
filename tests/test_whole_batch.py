"""A layer that looks at the whole global batch changes nothing of what bptrain is: same bits on any number of ranks."""

import re

import pytest

from worker.record import journal

LAYERS = [{"conv2d": {"filters": 4, "kernel": 3}}, {"batch_norm": {"sync": True}}, "relu", {"max_pool2d": {"size": 2}}, "flatten",
          {"linear": {"units": 16}}, {"batch_norm": {"sync": True}}, "relu", {"linear": {"units": 10}}]


@pytest.fixture
def train(mpirun, job_file, tmp_path):
    """`train(ranks, shards)`: (digest, losses) of a job with synchronised batch norms."""

    def run(ranks, shards):
        folder, job = tmp_path / f"{ranks}-{shards}", {"model": {"input": [8, 8, 1], "layers": LAYERS}, "epochs": 1, "batch_size": 200}
        done = mpirun(ranks, "-m", "worker", job_file(**job, logical_shards=shards, ranks=1), "--run-dir", folder)
        assert done.returncode == 0, done.stderr
        losses = [value for report in journal.read(folder / "journal") for column in report.points.columns
                  if column.series in ("loss", "eval_loss") for value in column.values]
        return re.search("sha256:[0-9a-f]{64}", done.stdout)[0], losses

    return run


def test_synchronised_batch_norm_gives_the_same_bits_on_one_two_and_three_ranks(train):
    """1437 digits in batches of 200, the last of 37: the shards have 67, 67, 66, and 13, 12, 12."""
    alone = train(1, shards=3)
    assert train(2, shards=3) == alone and train(3, shards=3) == alone


def test_three_shards_are_one_batch_but_for_rounding(train):
    """Without `sync` each would have a mean of its own, and the first loss would differ in its second digit."""
    assert train(1, shards=3)[1][0] == pytest.approx(train(1, shards=1)[1][0], rel=1e-6)
