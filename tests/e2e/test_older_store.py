"""The store is put back to a copy that knows less than has happened: what trains goes on, and all of it is there."""

import signal
from contextlib import closing

import pytest

from coordinator.jobs import states


@pytest.fixture
def place(tmp_path, coordinators):
    with closing(coordinators(tmp_path, slots=4)) as opened:
        yield opened


@pytest.mark.slow
def test_ranks_that_an_older_store_knows_nothing_of_are_taken_in_with_all_they_did(place, wait_until):
    """One job was paused when the copy was made, one waited, two were not there; the last of them cannot be told any more."""
    paused = place.running(ranks=1)
    place.client.pause(paused.id)
    place.wait(paused, "PAUSED")
    busy = place.running(ranks=4)
    waited = place.submit(**place.slow | {"ranks": 1})
    assert place.bptrain("backup", "create").returncode == 0
    place.client.cancel(busy.id)
    place.client.resume(paused.id)
    place.client.update(waited.id, priority=70)
    new, lost = (place.running(ranks=1, name=name) for name in ("new", "lost"))
    wait_until(lambda: all(place.client.get(job.id).state == states.RUNNING for job in (paused, waited)))
    wait_until(lambda: place.client.get(waited.id).progress.step > 20)
    kept = {job.id: place.client.get(job.id) for job in (paused, waited, new)}
    ranks = {job.id: place.ranks(job.run_dir)[1] for job in kept.values()}

    assert place.end(signal.SIGKILL) == -signal.SIGKILL
    folder = place.state / "runs" / lost.run_dir.rpartition("/")[2]
    (folder / "job.json").write_text("{")
    assert place.bptrain("backup", "restore", "--state", place.state).returncode == 0
    place.start()

    assert {job.id for job in place.client.list()} == {*kept, busy.id}
    for job in kept.values():
        wait_until(lambda: place.client.get(job.id).progress.step > job.progress.step)  # the ranks are on the line again
        found = place.client.get(job.id)
        assert (states.label(found.state), found.spec, found.run_dir) == ("RUNNING", job.spec if job.id != waited.id else waited.spec, job.run_dir)
        assert place.ranks(job.run_dir)[1] == ranks[job.id] != []
        assert found.transitions[-1].cause == "its ranks were running: the store was put back to a copy from before"
    wait_until(lambda: place.ranks(folder) == (None, []))  # asked to stop: nobody can say what they do
    for job_id in kept:
        place.client.cancel(job_id)
    for job in kept.values():
        ended = place.wait(job, "CANCELLED", "FAILED")
        assert ended.cause == "cancelled by a user"
        assert list(place.client.curve(job.id, ["loss"])["loss"].steps) == list(range(ended.progress.step))
    assert "Traceback" not in place.log.read_text()
