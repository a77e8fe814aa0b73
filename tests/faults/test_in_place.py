"""Lose a rank, lose nothing: ranks are killed while they train, and the curve is that of an undisturbed run."""

import json
import random
import re
import signal
import statistics
import time
from pathlib import Path

import pytest
import yaml

from bptrain.v1.report_pb2 import AttemptEnded
from tests.faults.conftest import ENDLESS, written

JOBS = Path(__file__).parents[2] / "deploy" / "jobs"


def digits(folder, epochs, **more):
    """The digits of the tutorial, six shards."""
    spec = yaml.safe_load((JOBS / "digits.yaml").read_text())
    return written(folder / "job.yaml", spec, epochs=epochs, logical_shards=6, **{"recovery": {"keep_s": 2}} | more)


@pytest.fixture
def endless(tmp_path):
    return digits(tmp_path, ENDLESS)


def crews(run):
    return [report.crew for report in run.reports() if report.HasField("crew")]


def trains_on(run, steps=20):
    """It has done so many steps more."""
    after = run.steps() + steps
    run.wait_until(lambda: run.steps() > after)


def test_a_killed_rank_is_replaced_and_nothing_is_lost(start, endless, is_as_if_undisturbed):
    """Any one, rank 0 too, and all but one at once, replacements among them."""
    run = start(endless, ranks=3)
    for victims in ([0], [1], [0, 2]):
        trains_on(run, 100)
        pids, before = run.pids(), len(crews(run))
        for rank in victims:
            run.kill(pids[rank])
        run.wait_until(lambda: len(changes := crews(run)[before:]) >= 2 and len(changes[-1].ranks) == 3)
        changes = crews(run)[before:]
        lost = [each for crew in changes for each in crew.lost]
        assert sorted(each.rank for each in lost) == victims and {each.cause for each in lost} == {"died"}
        assert changes[-1].joined == len(victims)
    trains_on(run)
    assert run.stop().outcome == AttemptEnded.OUTCOME_STOPPED
    is_as_if_undisturbed(endless, [run])


@pytest.mark.slow
def test_no_death_loses_a_point_of_held_out_data(start, tmp_path, run_alone):
    """Rank 0 is killed again and again where every third step is followed by an evaluation."""
    job = digits(tmp_path, epochs=150, batch_size=700)
    undisturbed, chance = run_alone(job), random.Random(1)
    for _ in range(4):
        run = start(job, ranks=3)
        run.wait_until(lambda: run.steps() > 10)
        time.sleep(0.1 * chance.random())
        run.end_rank(0)
        assert (run.end().digest, run.curve()) == undisturbed


@pytest.mark.slow
def test_a_rank_that_stands_still_is_ended_and_named(start, tmp_path, is_as_if_undisturbed):
    """SIGSTOP: no connection breaks, nothing fails; only the deadline tells."""
    job = digits(tmp_path, ENDLESS, recovery={"deadline_s": 1, "keep_s": 2})
    run = start(job, ranks=3)
    run.wait_until(lambda: run.steps() > 100)
    run.end_rank(2, signal.SIGSTOP)
    run.wait_until(lambda: crews(run))
    trains_on(run)
    run.stop()
    cause = crews(run)[0].lost[0].cause
    assert re.fullmatch(r"was ended: \d+\.\d s late in step \d+, after collective call \d+", cause)
    is_as_if_undisturbed(job, [run])


def disturbed(start, job, chance):
    """A run killed at three random instants, and the seconds from each kill to the next committed step."""
    run, waits = start(job, ranks=3), []
    for _ in range(3):
        after = run.steps() + chance.randrange(30, 130)
        run.wait_until(lambda: run.steps() > after and len(run.pids()) > 1)  # of a single rank's death another test tells
        time.sleep(0.05 * chance.random())  # anywhere in a step: also in the middle of an update
        killed, pid = time.time(), chance.choice(run.pids())
        run.kill(pid)
        run.wait_until(lambda: pid not in run.pids() and run.commits()[-1][1] > last_death(run))
        waits.append(next(when for step, when in run.commits() if when > last_death(run)) - killed)
    trains_on(run)
    run.stop()
    return run, waits


def last_death(run):
    """When it was written down."""
    return [report.time for report in run.reports() if report.HasField("crew") and report.crew.lost][-1]


@pytest.mark.slow
def test_twenty_runs_killed_three_times_each_draw_the_undisturbed_curve(start, endless, is_as_if_undisturbed, record_property):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, waits, runs = random.Random(seed), [], []
    for _ in range(20):
        run, seconds = disturbed(start, endless, chance)
        runs.append(run)
        waits += seconds
        print("from kill to next committed step:", ", ".join(f"{wait:.2f} s" for wait in seconds), flush=True)
    is_as_if_undisturbed(endless, runs)
    record_property("seconds_to_next_step", json.dumps(waits))
    print(f"from kill to next committed step: median {statistics.median(waits):.2f} s, longest {max(waits):.2f} s")
