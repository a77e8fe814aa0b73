"""What callers do wrong, each a function of a Place; where that is one request, `call` makes it."""

import sys
from time import sleep

import pytest

from coordinator.access.rules import READ
from coordinator.jobs import states
from coordinator.services import guard
from coordinator.store import jobs as rows
from tests.e2e.place import DAY_S, LIMITS, spec, stored


def call(service, method, **fields):
    return lambda place: place.call(service, method, **fields)


def send(service, method, content, who="chief"):
    return lambda place: place.send(service, method, content, who)


def submit(content, who="chief"):
    return call("JobService", "SubmitJob", spec=content, who=who)


def with_rate(rate):
    """A job whose learning rate is no matter for a job file."""
    found = spec()
    found.optimizer.attributes["learning_rate"] = rate
    return found


def with_data(path):
    return spec(data={"train": {"npz": {"path": path}}})


def of_another_filter(place):
    page = place.call("JobService", "ListJobs", page_size=1)
    place.call("JobService", "ListJobs", page_token=page.next_page_token, filter="state = QUEUED")


def same_id_other_body(place):
    for name in ("one", "other"):
        given = spec(name=name, ranks=1, labels={"is": "repeated"})
        place.call("JobService", "SubmitJob", spec=given, request_id="a request")


def too_many(place):
    """As many as one may have, and one more."""
    for _ in range(LIMITS.token_queued + 1):
        submit(spec(), "submitter")(place)


def full_queue(place):
    for who in ("other", "third"):
        submit(spec(), who)(place)


def purged(place):
    """The cursor before the last change of a job that is removed for good."""
    def gone(connection):
        revision = connection.execute("SELECT max(revision) FROM events").fetchone()[0]
        rows.purge(connection, stored(connection, states.SUCCEEDED, 1))
        return revision

    place.call("JobService", "WatchJobs", cursor=str(place.console(gone)))


def lost(place):
    """A cursor that was given since the copy was made to which the store was put back."""
    place.console(lambda connection: connection.execute("INSERT INTO lost VALUES (10000, 20000)"))
    place.call("JobService", "WatchJobs", cursor="15000")


def not_any_more(place):
    place.call("MetricService", "WatchMetrics", job_id="done", cursor=f"{place.jobs['done']}.99999999")


def damaged_checkpoint(place):
    job_id = place.with_folder()
    checkpoint = place.folder / job_id / "checkpoints" / "step-00000007"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").write_text("{}")
    place.call("JobService", "ForkJob", id=job_id, step=7, spec=spec(ranks=1), update_mask={"paths": ["ranks"]})


def remove_record(place):
    job_id = place.with_folder()
    (place.folder / job_id / "journal").touch()
    place.call("ArtifactService", "DeleteArtifact", job_id=job_id, name="journal", force=True)


def slow_reader(place):
    """More than the line holds is sent to somebody who takes one message and waits until the place is given to another."""
    job_id = place.with_folder()
    with open(place.folder / job_id / "log", "wb") as log:
        log.truncate(256 << 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "SLOW_S", 0.2)
        answer = place.call("ArtifactService", "DownloadArtifact", job_id=job_id, name="log")
        while place.server._streams._count:
            sleep(0.05)
    list(answer)


def store_held(place):
    """By a program that does not give it back in time."""
    place.setting("busy_timeout = 10")
    try:
        place.console(lambda connection: (connection.execute("BEGIN IMMEDIATE"), submit(spec())(place)))
    finally:
        place.setting("busy_timeout = 10000")


def streams(place):
    opened = []
    try:
        for _ in range(LIMITS.streams + 1):
            opened.append(place.call("MetricService", "WatchMetrics", job_id="waits"))
    finally:
        for each in opened:
            each.cancel()


def without_mpirun(place):
    """Neither in this Python's folder nor on PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        patch.setenv("PATH", "")
        place.call("ClusterService", "RenderLaunch", job_id="waits")


def full_disk(place):
    """No page more than there are; afterwards as many as ever."""
    pages = place.console(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    place.setting(f"max_page_count = {pages}")
    try:
        for _ in range(100):
            place.call("AdminService", "CreateToken", name=f"t{rows.new_id()}", scope=READ, lifetime_s=DAY_S)
    finally:
        place.setting("max_page_count = 1000000000")
