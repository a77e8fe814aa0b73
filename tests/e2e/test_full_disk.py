"""No room for the store: new jobs are refused by name, the job that runs goes on, and what it reported meanwhile is there in
the end. A limit on the size of the coordinator's files stands for the full disk; the ranks have none."""

import resource
from pathlib import Path

import pytest

from coordinator.client import Point
from coordinator.errors import Refusal

EPOCHS = 60
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.mark.slow
def test_a_full_disk_refuses_jobs_by_name_and_costs_a_running_job_nothing(coordinator, wait_until):
    job = coordinator.running(epochs=EPOCHS)
    pid = coordinator.process.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    with pytest.raises(Refusal) as caught:
        coordinator.submit()
    assert caught.value.reason == "STORE_FULL"
    assert coordinator.process.poll() is None and coordinator.client.get(job.id).id == job.id  # it still answers
    journal = Path(job.run_dir) / "journal"
    size = journal.stat().st_size
    wait_until(lambda: journal.stat().st_size > size)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, UNLIMITED)
    ended = coordinator.wait(job, "SUCCEEDED", "FAILED", "CANCELLED")
    assert (ended.cause, ended.progress.step) == ("completed", 8 * EPOCHS)
    assert [event.step for event in coordinator.client.watch(job.id) if isinstance(event, Point)] == list(range(8 * EPOCHS))
    assert coordinator.wait(coordinator.submit(ranks=1), "SUCCEEDED").cause == "completed"
    assert "Traceback" not in coordinator.log.read_text()
