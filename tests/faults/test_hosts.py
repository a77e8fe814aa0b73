"""Three hosts: one has its link cut, one dies as a whole, mpirun's own dies. No committed step is lost, each stands
once in the curve, and the bits are those of a run that nobody touched."""

import time

import psutil
import pytest
import yaml

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted
from tests.faults.conftest import ENDLESS, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def job(tmp_path_factory, digits):
    """It outlasts a host's absence."""
    path = tmp_path_factory.mktemp("job") / "job.yaml"
    return written(path, digits, epochs=ENDLESS, ranks=3, logical_shards=6, recovery={"keep_s": 20})


def goes_on_as_if_undisturbed(run, job, is_as_if_undisturbed):
    """With all three ranks; then it is stopped."""
    run.wait_until(lambda: len(crews(run)[-1][1].ranks) == 3)
    after = run.steps() + 50
    run.wait_until(lambda: run.steps() > after)
    assert run.stop().outcome == AttemptEnded.OUTCOME_STOPPED
    is_as_if_undisturbed(job, [run])


def crews(run):
    """Each start and change of the ranks."""
    return [(report, getattr(report, kind)) for report in run.reports() if (kind := report.WhichOneof("event")) in ("started", "crew")]


def is_rank(pid):
    try:
        return psutil.Process(pid).cmdline()[1:3] == ["-m", "worker"]
    except psutil.Error:
        return False


@pytest.mark.parametrize("cut_off", [1, 2, 3])
def test_the_others_go_on_when_a_link_is_cut(across, hosts, job, is_as_if_undisturbed, cut_off):
    """Host 1 is mpirun's and rank 0's."""
    run = across(job)
    run.wait_until(lambda: run.steps() > 50)
    cut = time.time()
    hosts.cut(cut_off)
    run.wait_until(lambda: len(crews(run)) == 2)
    lost = crews(run)[1][1]
    assert [rank.host for rank in lost.lost] == [f"host{cut_off}"]
    assert [rank.host for rank in lost.ranks] == [f"host{number}" for number in (1, 2, 3) if number != cut_off]
    run.wait_until(lambda: run.steps() > lost.step)
    took_s = dict(run.commits())[lost.step] - cut
    print(f"link of host {cut_off} cut, next step committed after {took_s:.2f} s")
    assert took_s < 3
    run.wait_until(lambda: not any(map(is_rank, hosts.pids(cut_off))))
    hosts.mend(cut_off)
    run.wait_until(lambda: len(crews(run)[-1][1].ranks) == 3)
    assert crews(run)[-1][1].source == AttemptStarted.SOURCE_MEMORY
    goes_on_as_if_undisturbed(run, job, is_as_if_undisturbed)


def test_a_host_that_dies_is_done_without_until_it_comes_back(across, hosts, job, is_as_if_undisturbed):
    run = across(job)
    run.wait_until(lambda: run.steps() > 50)
    killed = time.time()
    hosts.kill(3)
    run.wait_until(lambda: len(crews(run)) > 1 and crews(run)[-1][0].attempt == 2)
    again = crews(run)[-1][1]
    assert again.source == AttemptStarted.SOURCE_MEMORY and [rank.host for rank in again.ranks] == ["host1", "host2"]
    run.wait_until(lambda: run.steps() > again.first_step)
    took_s = dict(run.commits())[again.first_step] - killed
    print(f"host 3 killed, next step committed after {took_s:.2f} s")
    assert took_s < 5
    hosts.mend(3)
    goes_on_as_if_undisturbed(run, job, is_as_if_undisturbed)


def test_when_the_host_of_mpirun_dies_the_run_goes_on_from_another(across, hosts, job, is_as_if_undisturbed):
    run = across(job)
    run.wait_until(lambda: run.steps() > 50)
    hosts.kill(1)
    again = across(run.folder, on=2)
    again.wait_until(lambda: crews(again)[-1][0].attempt == 2)
    started = crews(again)[-1][1]
    assert started.source == AttemptStarted.SOURCE_MEMORY and [rank.host for rank in started.ranks] == ["host2", "host3"]
    hosts.mend(1)
    goes_on_as_if_undisturbed(again, job, is_as_if_undisturbed)


def test_distance_changes_no_bit(across, hosts, digits, run_alone, tmp_path):
    for number in (1, 2, 3):
        hosts.delay(number, delay_ms=50)
    job = tmp_path / "job.yaml"
    job.write_text(yaml.safe_dump(digits | {"epochs": 2, "ranks": 3, "logical_shards": 6}))
    run = across(job)
    end = run.end()
    assert (end.outcome, end.digest, run.curve()) == (AttemptEnded.OUTCOME_COMPLETED, *run_alone(job))
