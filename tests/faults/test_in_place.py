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

JOBS = Path(__file__).parents[2] / "deploy" / "jobs"


def written(folder, epochs, **more):
    """The digits of the tutorial, six shards, long enough to be killed in."""
    spec = yaml.safe_load((JOBS / "digits.yaml").read_text()) | {"epochs": epochs, "logical_shards": 6, "recovery": {"deadline_s": 1, "keep_s": 2}}
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(spec | more))
    return path


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return written(tmp_path_factory.mktemp("job"), epochs=40)


@pytest.fixture
def long_job(tmp_path):
    """It outlasts two deaths at once and the healing."""
    return written(tmp_path, epochs=120)


@pytest.fixture(scope="module")
def undisturbed(job, run_alone):
    """Digest and curve of a run that nobody touches."""
    return run_alone(job)


def crews(run):
    return [report.crew for report in run.reports() if report.HasField("crew")]


def test_a_killed_rank_is_replaced_and_nothing_is_lost(start, job, undisturbed):
    run = start(job, ranks=3)
    run.wait_until(lambda: run.steps() > 100)
    run.end_rank(1)
    run.wait_until(lambda: len(crews(run)) >= 2)
    end = run.end()
    lost, joined = crews(run)[:2]
    assert [(each.rank, each.cause) for each in lost.lost] == [(1, "died")] and len(lost.ranks) == 2
    assert joined.joined == 1 and len(joined.ranks) == 3
    assert (end.digest, run.curve()) == undisturbed


def test_another_rank_takes_over_from_rank_0(start, job, undisturbed):
    run = start(job, ranks=3)
    run.wait_until(lambda: run.steps() > 100)
    run.end_rank(0)
    end = run.end()
    assert crews(run)[0].lost[0].rank == 0
    assert (end.outcome, end.digest, run.curve()) == (AttemptEnded.OUTCOME_COMPLETED, *undisturbed)


@pytest.mark.slow
def test_no_death_loses_a_point_of_held_out_data(start, tmp_path, run_alone):
    """Rank 0 is killed again and again where every third step is followed by an evaluation."""
    job = written(tmp_path, epochs=150, batch_size=700)
    undisturbed, chance = run_alone(job), random.Random(1)
    for _ in range(4):
        run = start(job, ranks=3)
        run.wait_until(lambda: run.steps() > 10)
        time.sleep(0.1 * chance.random())
        run.end_rank(0)
        assert (run.end().digest, run.curve()) == undisturbed


def test_all_ranks_but_one_may_die_at_once(start, job, undisturbed):
    run = start(job, ranks=3)
    run.wait_until(lambda: run.steps() > 100)
    pids = run.pids()
    for rank in (0, 2):
        run.kill(pids[rank])
    end = run.end()
    assert (end.digest, run.curve()) == undisturbed


def test_a_rank_that_stands_still_is_ended_and_named(start, job, undisturbed):
    """SIGSTOP: no connection breaks, nothing fails; only the deadline tells."""
    run = start(job, ranks=3)
    run.wait_until(lambda: run.steps() > 100)
    run.end_rank(2, signal.SIGSTOP)
    end = run.end()
    cause = crews(run)[0].lost[0].cause
    assert re.fullmatch(r"was ended: \d+\.\d s late in step \d+, after collective call \d+", cause)
    assert (end.digest, run.curve()) == undisturbed


def disturbed(start, long_job, chance):
    """A run killed at three random instants, and the seconds from each kill to the next committed step."""
    run = start(long_job, ranks=3)
    waits = []
    for kill in range(3):
        after = run.steps() + chance.randrange(30, 130)
        run.wait_until(lambda: run.steps() > after and len(run.pids()) > 1)  # of a single rank's death another test tells
        time.sleep(0.05 * chance.random())  # anywhere in a step: also in the middle of an update
        pids, killed = run.pids(), time.time()
        run.kill(chance.choice(pids))
        run.wait_until(lambda: len(crews_at(run)) > kill and run.commits()[-1][1] > crews_at(run)[kill])
        waits.append(next(when for step, when in run.commits() if when > crews_at(run)[kill]) - killed)
    return run, run.end(), waits


def crews_at(run):
    """When each change of the crew was written down."""
    return [report.time for report in run.reports() if report.HasField("crew") and report.crew.lost]


@pytest.mark.slow
def test_twenty_runs_killed_three_times_each_draw_the_undisturbed_curve(start, long_job, run_alone, record_property):
    undisturbed = run_alone(long_job)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, waits = random.Random(seed), []
    for _ in range(20):
        run, end, seconds = disturbed(start, long_job, chance)
        assert (end.digest, run.curve()) == undisturbed, f"seed {seed}: {run.log.read_text()}"
        waits += seconds
        print("from kill to next committed step:", ", ".join(f"{wait:.2f} s" for wait in seconds), flush=True)
    record_property("seconds_to_next_step", json.dumps(waits))
    print(f"from kill to next committed step: median {statistics.median(waits):.2f} s, longest {max(waits):.2f} s")
