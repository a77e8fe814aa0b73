"""A run's folder for commands that work on one: that of this machine, or what is needed of a coordinator's job, fetched from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bpcore.errors import InvalidInput, Problem
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.errors import Refusal
from worker.record.rundir import RunDir

TRIES = 3


@contextmanager
def run(source: str, address: Endpoint) -> Iterator[RunDir]:
    """`source`: a folder here, else a job. Of a job the folder has the job file and the newest checkpoint, as long as this lasts."""
    if is_folder(source):
        yield RunDir(Path(source))
        return
    with Client(address) as client, TemporaryDirectory() as place:
        for tries in range(TRIES):
            try:
                _fetch(client, source, Path(place))
                break
            except Refusal as refusal:  # newer checkpoints take the place of older ones while it trains
                if refusal.reason != "ARTIFACT_NOT_FOUND" or tries == TRIES - 1:
                    raise
        yield RunDir(Path(place))


def is_folder(source: str) -> bool:
    """Else it is a job's id. Raises InvalidInput for what can be neither."""
    if Path(source).is_dir():
        return True
    if {".", "/"} & {*source} or Path(source).exists():
        raise InvalidInput([Problem(source, "expected a job of a coordinator, or the folder of a run, but there is no such folder")])
    return False


def _fetch(client: Client, job_id: str, place: Path) -> None:
    listed = client.artifacts(job_id)
    newest = max((artifact.step for artifact in listed), default=0)
    for name in ["job.json", *(artifact.name for artifact in listed if artifact.step == newest > 0)]:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        with open(place / name, "wb") as file:
            file.writelines(client.download(job_id, name))
