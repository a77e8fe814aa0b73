"""ArtifactService over the wire: what a run has made, whole or from an offset on, and nothing else."""

import hashlib
from pathlib import Path

import pytest

from bptrain.v1 import artifact_service_pb2 as pb
from coordinator.errors import Refusal
from coordinator.views.artifacts import CHUNK_BYTES


@pytest.fixture(scope="module")
def job(shared):
    """(client, job id, its run's folder) of a job that has ended."""
    _, client, job_id = shared
    return client, job_id, Path(client.get(job_id).run_dir)


@pytest.fixture(scope="module")
def listed(job):
    client, job_id, _ = job
    return {artifact.name: artifact for artifact in client.artifacts(job_id)}


def test_checkpoints_job_journal_and_log_are_listed(listed):
    checkpoints = {name for name, artifact in listed.items() if artifact.kind == pb.ARTIFACT_KIND_CHECKPOINT}
    assert listed.keys() - checkpoints == {"job.json", "journal", "log"}
    assert {f"checkpoints/step-{step:08}/parameters.safetensors" for step in (3, 6, 9, 12, 15, 16)} <= checkpoints
    assert list(listed) == sorted(listed)


def test_sizes_steps_and_sums_are_those_of_the_files(job, listed):
    client, job_id, folder = job
    for name, artifact in listed.items():
        content, found = (folder / name).read_bytes(), client.artifact(job_id, name)
        assert (artifact.size_bytes, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert artifact.sha256 in (found.sha256, "")
        assert artifact.step == (int(name.split("/")[1].removeprefix("step-")) if "/" in name else 0)
    assert all(artifact.sha256 for name, artifact in listed.items() if name.endswith(".safetensors"))


def test_every_artifact_is_downloaded_as_it_is(job, listed):
    client, job_id, folder = job
    for name in listed:
        assert b"".join(client.download(job_id, name)) == (folder / name).read_bytes()


@pytest.fixture
def large(job):
    """The log with three pieces and a bit in it; as it was afterwards."""
    path = job[2] / "log"
    before = path.read_bytes()
    path.write_bytes(hashlib.shake_256(b"log").digest(3 * CHUNK_BYTES + 5))
    yield path.read_bytes()
    path.write_bytes(before)


@pytest.mark.parametrize("offset", [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 7, 3 * CHUNK_BYTES + 5, 1 << 40])
def test_a_download_goes_on_from_any_offset_in_small_pieces(job, large, offset):
    client, job_id, _ = job
    pieces = list(client.download(job_id, "log", offset))
    assert b"".join(pieces) == large[offset:] and max(map(len, pieces)) <= CHUNK_BYTES


@pytest.mark.parametrize("name", [
    "plan.json", "identity", "hostfile", "", "..", "../store.db", "checkpoints/../plan.json", "/etc/passwd", "checkpoints/step-00000003",
    "checkpoints/step-00000003/../../plan.json", "checkpoints/step-00000099/parameters.safetensors", "log\0", "./log", "log/", "JOURNAL"])
def test_what_is_not_listed_is_not_there(job, name):
    client, job_id, _ = job
    for call in (lambda: client.artifact(job_id, name), lambda: list(client.download(job_id, name))):
        with pytest.raises(Refusal) as caught:
            call()
        assert caught.value.reason == "ARTIFACT_NOT_FOUND"
        assert str(caught.value) == f"job {job_id} has no artifact of this name; bptrain artifacts {job_id} shows all"


def test_a_link_among_the_checkpoints_is_not_followed(job):
    client, job_id, folder = job
    link = folder / "checkpoints" / "step-00000003" / "linked.json"
    link.symlink_to(folder / "plan.json")
    try:
        name = str(link.relative_to(folder))
        assert name not in [artifact.name for artifact in client.artifacts(job_id)]
        with pytest.raises(Refusal, match="has no artifact of this name"):
            list(client.download(job_id, name))
    finally:
        link.unlink()


@pytest.mark.parametrize("call", [
    lambda client: client.artifacts("nope"), lambda client: client.artifact("nope", "log"), lambda client: list(client.download("nope", "log"))])
def test_an_unknown_job_is_refused(job, call):
    with pytest.raises(Refusal, match='^there is no job "nope"'):
        call(job[0])
