"""Every epoch uses every sample once, and says so: a sample left out or repeated fails the run."""

import numpy as np
import pytest

from bptrain.v1.report_pb2 import AttemptEnded
from worker import tally
from worker.record import journal
from worker.shards import Schedule, cut

SCHEDULE = Schedule(samples=50, batch_size=12, epochs=3, seed=3)


def all_parts(schedule, epoch, shards):
    steps = range(epoch * schedule.steps_per_epoch, (epoch + 1) * schedule.steps_per_epoch)
    return [part for step in steps for part in cut(schedule.batch(step), shards)]


def sum_of(epoch, parts):
    total = tally.NONE
    for part in parts:
        total = tally.added(total, epoch.tally(part))
    return total


@pytest.mark.parametrize("shards", [1, 4, 7])
@pytest.mark.parametrize("number", [0, 2])
def test_all_shards_of_an_epoch_add_up_to_what_is_expected(shards, number):
    found = sum_of(tally.Epoch(SCHEDULE, number), all_parts(SCHEDULE, number, shards))
    assert found == tally.expected(SCHEDULE, number)
    assert found[0] == 50 and 0 <= found[1] < 1 << 32


@pytest.mark.parametrize("left_out", range(5))
def test_a_shard_left_out_or_used_twice_is_seen(left_out):
    epoch, parts = tally.Epoch(SCHEDULE, 0), all_parts(SCHEDULE, 0, 4)
    assert sum_of(epoch, parts[:left_out] + parts[left_out + 1:]) != tally.expected(SCHEDULE, 0)
    assert sum_of(epoch, [*parts, parts[left_out]]) != tally.expected(SCHEDULE, 0)
    assert sum_of(epoch, [*parts[1:], parts[1]])[1] != tally.expected(SCHEDULE, 0)[1]  # the number of samples is right


def test_epochs_and_seeds_have_keys_of_their_own():
    other = Schedule(samples=50, batch_size=12, epochs=3, seed=4)
    assert len({tally.expected(SCHEDULE, 0), tally.expected(SCHEDULE, 1), tally.expected(other, 0)}) == 3


def epochs(folder):
    """Each epoch once: what the last attempt said of it."""
    found = {}
    for report in journal.read(folder / "journal"):
        if report.HasField("started"):
            found = {number: epoch for number, epoch in found.items() if epoch.step < report.started.first_step}
        if report.HasField("epoch"):
            assert report.epoch.epoch not in found
            found[report.epoch.epoch] = report.epoch
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize("ranks", [1, 3])
def test_a_run_says_of_each_epoch_what_it_used(mpirun, tiny_file, tmp_path, ranks):
    assert mpirun(ranks, "-m", "worker", tiny_file(epochs=3), "--run-dir", "run").returncode == 0
    said = [((epoch.samples, epoch.checksum), epoch.step, (epoch.expected_samples, epoch.expected_checksum)) for epoch in epochs(tmp_path / "run")]
    assert said == [(tally.expected(SCHEDULE, number), 5 * number + 4, tally.expected(SCHEDULE, number)) for number in range(3)]


@pytest.mark.parametrize(("newest", "ranks"), [(3, 1), (3, 3), (5, 2), (6, 2), (10, 1)])
def test_a_resumed_run_carries_what_the_epoch_has_used(worker, mpirun, tiny_file, tmp_path, newest, ranks):
    """From inside an epoch, and from its end."""
    job = tiny_file(epochs=3, checkpoint={"every_steps": 1, "keep": 99})
    assert worker(job, "--run-dir", "run").returncode == 0
    whole = epochs(tmp_path / "run")
    for step in range(newest + 1, 16):
        for path in (tmp_path / "run" / "checkpoints" / f"step-{step:08d}").iterdir():
            path.write_bytes(b"")
    assert mpirun(ranks, "-m", "worker", "run", "--resume").returncode == 0
    assert epochs(tmp_path / "run") == whole


BROKEN = """
import runpy
from worker import shards
right = shards.Schedule.order
def order(schedule, epoch):
    found = right(schedule, epoch).copy()
    if epoch == 1:
        found[7] = found[8]
    return found
shards.Schedule.order = order
runpy.run_module("worker", run_name="__main__")
"""


def test_a_sample_used_in_anothers_place_fails_the_run_and_is_said(mpirun, script, tiny_file, tmp_path):
    done = mpirun(2, script(BROKEN), tiny_file(epochs=3), "--run-dir", "run")
    ended = list(journal.read(tmp_path / "run" / "journal"))[-1].ended
    assert (done.returncode, ended.outcome, ended.step) == (1, AttemptEnded.OUTCOME_FAILED, 10)
    wrong = epochs(tmp_path / "run")[1]
    assert ended.cause == (f"epoch 2 used 50 samples, but not each of them once (checksum {wrong.checksum:08x} instead of "
                           f"{wrong.expected_checksum:08x}): please report this, and start again from an earlier checkpoint")
    assert wrong.expected_checksum == tally.expected(SCHEDULE, 1)[1] != wrong.checksum


def test_a_wrong_number_of_samples_is_said():
    assert tally.sentence(0, (1049, 5), (1050, 5)).startswith("epoch 1 used 1,049 samples instead of 1,050: ")


def test_sums_of_keys_are_exact_where_numbers_are_largest():
    """2^31 samples of the largest key fit an int64; a thousand ranks' sums fit a float64."""
    assert (1 << 31) * (tally.MODULUS - 1) < np.iinfo(np.int64).max
    assert 1000 * tally.MODULUS < 1 << 53
