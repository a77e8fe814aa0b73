"""Options and arguments that several commands share."""

import click

from bptrain.v1.job_service_pb2 import Job
from coordinator.client import DEFAULT_ADDRESS, Client
from worker.errors import Unavailable

coordinator = click.option("--coordinator", "address", envvar="BPTRAIN_COORDINATOR", default=DEFAULT_ADDRESS, show_default=True,
                           metavar="HOST:PORT", help="Where the coordinator listens; also $BPTRAIN_COORDINATOR.")
job = click.argument("job", required=False, metavar="[JOB]")
output = click.option("--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True)
data_root = click.option("--data-root", type=click.Path(file_okay=False, exists=True), default=".", show_default=True,
                         help="Folder that jobs may read data from.")


def find(client: Client, job_id: str | None) -> Job:
    """The job named, or the newest one."""
    if job_id:
        return client.get(job_id)
    newest = next(client.list(), None)
    if newest is None:
        raise Unavailable("there are no jobs yet; hand one in with: bptrain submit JOB.yaml")
    return client.get(newest.id)
