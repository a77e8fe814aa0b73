"""What kills a job, and what people then read. kill -9 is the real one."""

import re
import subprocess
import sys
import venv

import pytest

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted
from coordinator.jobs import states
from worker.record import journal
from worker.record.rundir import RunDir

DIVERGING = {"optimizer": {"sgd": {"learning_rate": 1e30}}, "model": {"input": [8, 8, 1], "layers": [
    "flatten", {"linear": {"units": 16}}, {"linear": {"units": 10}}]}}
NOT_FINITE = r"the loss is (nan|inf) in step \d+: layer \d \(linear\) gave -?(nan|inf) from finite inputs; lower the learning rate, or look at the data of this step"
CUT_OFF = r"the ranks ended with exit status -9 before the job was done; its last words: .+"
MISSING = "mpirun was not found: pip install 'bptrain[local]', or load your cluster's MPI"


def notices(coordinator, job, kind):
    """As they come: what is said of this kind about a job."""
    return (event.message for event in coordinator.client.watch(job.id) if getattr(event, "kind", "") == kind)


@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_rank_is_named_and_another_takes_its_place(coordinator, processes, wait_until, which):
    job = coordinator.running()
    _, ranks = coordinator.ranks(job.run_dir)
    started = next(notices(coordinator, job, "started"))
    victim = next(rank for rank in ranks if rank.pid == started.ranks[which].pid)
    coordinator.kill(victim)
    changes = notices(coordinator, job, "crew")
    lost, joined = next(changes), next(changes)
    assert [(each.rank, each.host, each.cause) for each in lost.lost] == [(which, started.ranks[which].host, "died")]
    assert (len(lost.ranks), joined.joined, len(joined.ranks)) == (1, 1, 2)
    wait_until(lambda: coordinator.client.get(job.id).progress.step > joined.step)
    coordinator.client.cancel(job.id)
    assert states.label(coordinator.wait(job, "CANCELLED", "FAILED").state) == "CANCELLED"
    wait_until(lambda: not processes(job.run_dir))


@pytest.mark.parametrize(("keep_s", "source"), [(60, AttemptStarted.SOURCE_MEMORY), pytest.param(0.01, AttemptStarted.SOURCE_NOTHING, marks=pytest.mark.slow)],
                         ids=["node memory", "neither memory nor checkpoint"])
def test_a_killed_mpirun_takes_the_ranks_along_and_all_are_started_again(coordinator, processes, wait_until, keep_s, source):
    job = coordinator.running(recovery={"keep_s": keep_s})
    mpirun, ranks = coordinator.ranks(job.run_dir)
    coordinator.kill(mpirun)
    starts = notices(coordinator, job, "started")
    _, again = next(starts), next(starts)
    assert again.source == source and (again.first_step > 20) == (source == AttemptStarted.SOURCE_MEMORY)
    assert not any(rank.is_running() for rank in ranks)
    wait_until(lambda: coordinator.client.get(job.id).progress.step > again.first_step)
    labels = [(states.label(each.to), each.cause) for each in coordinator.client.get(job.id).transitions]
    assert [label for label, _ in labels] == ["QUEUED", "STARTING", "RUNNING", "STARTING", "RUNNING"]
    assert re.fullmatch(CUT_OFF, labels[3][1])
    coordinator.client.cancel(job.id)
    assert states.label(coordinator.wait(job, "CANCELLED", "FAILED").state) == "CANCELLED"


@pytest.mark.slow
def test_a_job_that_is_cut_off_more_often_than_it_may_be_fails_and_frees_the_slots(coordinator, processes, wait_until):
    job = coordinator.running(recovery={"restarts": 1, "keep_s": 3})
    starts = notices(coordinator, job, "started")
    for _ in range(2):
        begun = next(starts)
        wait_until(lambda: coordinator.client.get(job.id).progress.step > begun.first_step)
        coordinator.kill(coordinator.ranks(job.run_dir)[0])
    ended = coordinator.wait(job, "FAILED", "SUCCEEDED", "CANCELLED")
    assert re.fullmatch(CUT_OFF, ended.cause)
    wait_until(lambda: not processes(job.run_dir))
    assert coordinator.wait(coordinator.submit(), "SUCCEEDED", "FAILED").cause == "completed"


def test_a_rank_that_dies_before_the_ranks_have_met_fails_the_job(coordinator, wait_until):
    job = coordinator.submit()
    ranks = wait_until(lambda: found if len(found := coordinator.ranks(job.run_dir)[1]) == 2 else None)
    coordinator.kill(ranks[1])
    wait_until(lambda: coordinator.client.get(job.id).cause != "2 of 2 slots are free", deadline_s=8)


def test_a_diverging_job_fails_with_what_to_do(standing):
    job = standing.submit(**DIVERGING)
    ended = standing.wait(job, "FAILED", "SUCCEEDED")
    assert re.fullmatch(NOT_FINITE, ended.cause)
    report = list(journal.read(RunDir(job.run_dir).journal))[-1]
    assert (report.ended.outcome, report.ended.cause) == (AttemptEnded.OUTCOME_FAILED, ended.cause)


def test_a_diverging_run_ends_with_exit_code_one_and_the_same_sentence(standing):
    done = standing.bptrain("run", standing.job(**DIVERGING), "--run-dir", "diverged")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert re.search(NOT_FINITE + r"\n", done.stdout)


def test_watching_a_failed_job_ends_with_exit_code_one(standing):
    done = standing.bptrain("submit", standing.job(**DIVERGING), "--watch")
    assert done.returncode == 1
    assert re.search(f"^FAILED: {NOT_FINITE}$", done.stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def without_mpirun(tmp_path_factory):
    """An interpreter with everything that this one has, but no mpirun beside it or on the PATH."""
    folder = tmp_path_factory.mktemp("venv")
    venv.EnvBuilder(symlinks=True).create(folder)
    packages = {"PYTHONPATH": ":".join(path for path in sys.path if path), "PATH": ""}
    return [folder / "bin" / "python", "-c", "from coordinator.cli import main; main()"], packages


def test_run_without_mpirun_is_one_line(standing, without_mpirun):
    (*python, main), environment = without_mpirun
    done = standing.run(*python, main, "run", standing.job(), env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"bptrain: {MISSING}\n")


def test_a_job_without_mpirun_fails_with_that_line(workplace, without_mpirun, wait_until):
    (*python, main), environment = without_mpirun
    serve = ["serve", "--port", "0", "--worker-port", "0", "--state", "state"]
    with workplace.popen(*python, main, *serve, env=environment, stderr=subprocess.DEVNULL) as process:
        workplace.address = re.search(r"coordinator at (\S+)", process.stdout.readline())[1]
        done = workplace.bptrain("submit", workplace.job(), "--watch")
        process.terminate()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, f"FAILED: {MISSING}")
