"""Artifacts that are removed on request: what goes, what is kept and why, and that a job goes on without what went."""

import shutil
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner

from bptrain.v1 import artifact_service_pb2 as pb
from bptrain.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from coordinator.answers import raised
from coordinator.cli import bptrain
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.store import jobs, lifecycle
from worker.record import checkpoint

STEPS = [3, 6, 8, 9, 12, 15, 16]  # every third, and the end of both epochs
NEWEST, BEST, OTHER = "checkpoints/step-00000016", "checkpoints/step-00000008", "checkpoints/step-00000006"
FORCE = "; force takes it, too"


@pytest.fixture(scope="module")
def run(serving, small):
    """(server, client, a job that has ended), whose held-out loss was the lowest after its first epoch."""
    with serving() as (server, client):
        rates = {"multistep": {"milestones": [1], "gamma": 300.0}}
        job = client.submit(small(ranks=1, checkpoint={"every_steps": 3, "keep": 9, "keep_best": True}, schedule=rates))
        list(client.messages(job.id))
        yield server, client, client.get(job.id)


@pytest.fixture
def left(run, tmp_path):
    """`left(state)`: (id, folder) of a job that has left the same, and is in this state as far as the store knows."""
    server, _, job = run

    def stored(connection, state, folder):
        job_id = jobs.new_id()
        jobs.add(connection, job_id, job.spec, str(folder))
        lifecycle.submitted(connection, job_id)
        jobs.set_state(connection, job_id, state, "for the test")
        return job_id

    with closing(sqlite3.connect(server._settings.state / "store.db", isolation_level=None, timeout=60)) as connection:
        connection.row_factory, made = sqlite3.Row, []

        def make(state=states.SUCCEEDED):
            folder = tmp_path / f"run-{len(made)}"
            shutil.copytree(job.run_dir, folder)
            made.append(stored(connection, state, folder))
            return made[-1], folder

        yield make
        for job_id in made:
            jobs.set_state(connection, job_id, states.CANCELLED, "for the test")


def steps(folder):
    return checkpoint.kept(folder / "checkpoints")


def refusal(call):
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value


def test_the_job_has_left_what_these_tests_need(run):
    folder = Path(run[2].run_dir)
    assert steps(folder) == STEPS
    assert (checkpoint.newest_whole(folder / "checkpoints"), checkpoint.lowest(folder / "checkpoints")) == (16, 8)


def test_a_checkpoint_goes_as_a_whole_and_nothing_else_goes(run, left):
    _, client, _ = run
    job_id, folder = left()
    before = client.artifacts(job_id)
    gone = client.delete_artifact(job_id, OTHER)
    assert list(gone) == [each for each in before if each.name.startswith(OTHER)] and len(gone) == 3
    assert [each for each in before if each not in gone] == list(client.artifacts(job_id))
    assert not list((folder / "checkpoints").glob(".*"))
    assert client.get(job_id).transitions[-1].cause == f"{OTHER} removed by a user"


def test_a_log_goes_with_the_places_in_it(run, left):
    _, client, _ = run
    job_id, folder = left()
    assert len(list(client.logs(job_id))) > 0
    assert [each.name for each in client.delete_artifact(job_id, "log")] == ["log"]
    assert list(client.logs(job_id)) == [] and not (folder / "log").exists() and not (folder / "attempts").exists()
    assert not list(folder.glob(".log"))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("name", "cause"), [
    ("job.json", "it is the job's record, which goes with the job alone"), ("journal", "it is the job's record, which goes with the job alone"),
    (f"{OTHER}/optimizer.safetensors", f"it is a part of {OTHER}, which goes as a whole")])
def test_what_the_rest_needs_is_kept(run, left, name, cause, force):
    _, client, _ = run
    job_id, folder = left()
    refused = refusal(lambda: client.delete_artifact(job_id, name, force))
    assert (refused.reason, str(refused)) == ("ARTIFACT_NEEDED", f"artifact {name} of job {job_id} is kept: {cause}")
    assert (folder / name).exists()


@pytest.mark.parametrize(("name", "cause"), [(NEWEST, "it is the newest, with which predictions, exports, forks and another try begin" + FORCE),
                                             (BEST, "its held-out loss is the lowest" + FORCE)])
def test_what_is_rarely_meant_goes_only_by_force(run, left, name, cause):
    _, client, _ = run
    job_id, folder = left()
    assert str(refusal(lambda: client.delete_artifact(job_id, name))) == f"artifact {name} of job {job_id} is kept: {cause}"
    assert len(client.delete_artifact(job_id, name, force=True)) == 3
    assert steps(folder) == [step for step in STEPS if step != int(name[-8:])]


def test_the_newest_of_a_job_that_goes_on_stays_whoever_forces_it(run, left):
    _, client, _ = run
    job_id, folder = left(states.PAUSED)
    refused = refusal(lambda: client.delete_artifact(job_id, NEWEST, force=True))
    assert str(refused) == f"artifact {NEWEST} of job {job_id} is kept: the job goes on from it"
    client.delete_artifact(job_id, OTHER)
    assert steps(folder) == [step for step in STEPS if step != 6]


def test_the_newest_is_the_newest_that_is_whole(run, left):
    """What is damaged helps nobody, so it may go, and the one before it is what counts."""
    _, client, _ = run
    job_id, folder = left(states.PAUSED)
    with open(folder / NEWEST / "parameters.safetensors", "r+b") as file:
        file.write(b"damage")
    assert refusal(lambda: client.delete_artifact(job_id, "checkpoints/step-00000015", force=True)).reason == "ARTIFACT_NEEDED"
    client.delete_artifact(job_id, NEWEST)
    assert steps(folder) == STEPS[:-1]


@pytest.mark.parametrize("state", [states.STARTING, states.RUNNING, states.PAUSING, states.CANCELLING])
@pytest.mark.parametrize("name", [OTHER, "log"])
def test_where_there_may_be_ranks_nothing_goes(run, left, state, name):
    _, client, _ = run
    job_id, folder = left(state)
    assert str(refusal(lambda: client.delete_artifact(job_id, name, force=True))) == f"job {job_id} is {states.label(state)}: it cannot be relieved of artifacts"
    assert steps(folder) == STEPS and (folder / "log").exists()


@pytest.mark.parametrize("name", ["", "nothing", "checkpoints", "checkpoints/", f"{OTHER}/", "checkpoints/step-00000099", "plan.json", "identity", "attempts",
                                  "..", ".", "/", f"{OTHER}/..", f"../run-0/{OTHER}", "log\0", "checkpoints/.."])
def test_what_is_not_listed_cannot_go(run, left, name):
    _, client, _ = run
    job_id, folder = left()
    before = sorted(folder.rglob("*"))
    assert refusal(lambda: client.delete_artifact(job_id, name, force=True)).reason == "ARTIFACT_NOT_FOUND"
    assert sorted(folder.rglob("*")) == before


def test_a_link_to_a_checkpoint_of_another_is_nobodys(run, left):
    _, client, _ = run
    (job_id, folder), (_, other) = left(), left()
    shutil.rmtree(folder / "checkpoints")
    (folder / "checkpoints").symlink_to(other / "checkpoints")
    assert refusal(lambda: client.delete_artifact(job_id, OTHER)).reason == "ARTIFACT_NOT_FOUND"
    assert steps(other) == STEPS


def test_a_repeated_call_is_answered_as_the_first_and_a_question_removes_nothing(run, left):
    server, client, _ = run
    job_id, folder = left()
    with grpc.insecure_channel(server.address) as channel:

        def delete(name=OTHER, **more):
            try:
                return ArtifactServiceStub(channel).DeleteArtifact(pb.DeleteArtifactRequest(job_id=job_id, name=name, **more), timeout=60)
            except grpc.RpcError as error:
                raise raised(error, "") from None

        request_id = str(uuid.uuid4())
        before = client.get(job_id)
        would = delete(validate_only=True, request_id=request_id)
        assert client.get(job_id) == before and steps(folder) == STEPS
        assert delete(request_id=request_id) == would == delete(request_id=request_id)
        assert refusal(lambda: delete("log", request_id=request_id)).reason == "REQUEST_ID_REUSED"
        assert refusal(delete).reason == "ARTIFACT_NOT_FOUND"
        assert refusal(lambda: delete(NEWEST, validate_only=True)).reason == "ARTIFACT_NEEDED"
    written = [record.outcome for record in client.audit() if record.target == job_id]  # the newest first, whose outcome may be on its way
    assert len(written) == 4 and written[2:] == ["OK", "OK"]


def test_what_a_removal_that_was_cut_short_has_left_is_in_nobodys_way(run, left):
    _, client, _ = run
    job_id, folder = left()
    shutil.copytree(folder / OTHER, folder / "checkpoints" / ".step-00000006")
    client.delete_artifact(job_id, OTHER)
    assert steps(folder) == [step for step in STEPS if step != 6] and not list((folder / "checkpoints").glob(".*"))


def test_a_deleted_job_is_left_alone(run, left):
    _, client, _ = run
    job_id, folder = left()
    client.delete(job_id)
    assert str(refusal(lambda: client.delete_artifact(job_id, OTHER))) == f"job {job_id} is DELETED: it cannot be relieved of artifacts"
    assert steps(folder) == STEPS


def command(client, *words):
    done = CliRunner().invoke(bptrain, ["artifacts", *words, "--coordinator", client.address])
    return str(done.exception) if isinstance(done.exception, Refusal) else done.output


def test_the_command_line_removes_and_asks(run, left):
    _, client, _ = run
    job_id, folder = left()
    size = sum(file.stat().st_size for file in (folder / OTHER).iterdir())
    said = command(client, job_id, OTHER, "--delete", "--validate-only")
    assert said.startswith("nothing was done; it would be removed: ") and steps(folder) == STEPS
    assert command(client, job_id, OTHER, "--delete") == said.replace("nothing was done; it would be ", "") and f"{size / 1000:.1f} kB in 3 file(s)" in said
    assert command(client, job_id, NEWEST, "--delete").endswith(FORCE)
    assert command(client, job_id, NEWEST, "--delete", "--force").startswith("removed: ")
    assert steps(folder) == [step for step in STEPS if step not in (6, 16)]


@pytest.mark.parametrize("words", [["--delete"], ["job", "--delete"], ["job", "log", "--force"], ["job", "log", "--validate-only"]], ids=" ".join)
def test_options_that_make_no_sense_are_refused_before_anything_is_asked(run, words):
    assert "--delete removes the artifact NAME of JOB; --force and --validate-only go with it" in command(run[1], *words)


def test_a_job_goes_on_without_its_older_checkpoints_and_its_log(serving, endless, tmp_path):
    with serving() as (_, client):
        job = client.submit(endless(ranks=1, checkpoint={"every_steps": 40, "keep": 3}))
        while client.get(job.id).progress.step < 100:
            client.wait(job.id, ["SUCCEEDED"], timeout_s=0.1)
        client.pause(job.id)
        paused = client.wait(job.id, ["PAUSED"])
        folder = Path(paused.run_dir)
        *older, newest = steps(folder)
        for step in older:
            client.delete_artifact(job.id, f"checkpoints/step-{step:08}")
        client.delete_artifact(job.id, "log")
        assert steps(folder) == [newest] and older
        client.resume(job.id)
        while client.get(job.id).progress.step < newest + 100:
            client.wait(job.id, ["SUCCEEDED"], timeout_s=0.1)
        curve, = client.curve(job.id, ["loss"]).values()
        assert list(curve.steps) == list(range(len(curve.steps)))
        assert {line.attempt for line in client.logs(job.id)} == {2}
        assert refusal(lambda: client.delete_artifact(job.id, "log")).reason == "STATE_NOT_ALLOWED"
