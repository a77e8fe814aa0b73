import itertools
from collections.abc import Iterator
from pathlib import Path

import click

from bptrain.v1.job_service_pb2 import Job
from bptrain.v1.metric_service_pb2 import WatchMetricsResponse
from coordinator import exporters
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import fetched, options
from worker.record import journal
from worker.record.rundir import RunDir


@click.command()
@click.argument("source", metavar="JOB|FOLDER")
@click.argument("target", metavar="|".join(exporters.names()))
@click.argument("place")
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@options.coordinator
def command(source: str, target: str, place: str, follow: bool, address: Endpoint) -> None:
    """Write a job's curves for other programs. PLACE is a folder for tensorboard, a server's URL for mlflow. With the folder of a
    run in place of a job no coordinator is needed."""
    if fetched.is_folder(source):
        rows = _published(target, place, Path(source).resolve().name, {"folder": source}, _journal(Path(source)), 0)
    else:
        with Client(address) as client:
            job = client.get(source)
            rows = _published(target, place, f"{job.spec.name}-{job.id}", _settings(job), _messages(client, job, follow), job.state)
    click.echo(f"{place}: {rows:,} rows of the curves")


def _published(target: str, place: str, title: str, settings: dict[str, str], messages: Iterator[WatchMetricsResponse], state: int) -> int:
    return exporters.feed(exporters.opened(target, place, title, settings), messages, state)


def _messages(client: Client, job: Job, follow: bool) -> Iterator[WatchMetricsResponse]:
    """All there are, to the job's end or as far as it is now."""
    messages = client.messages(job.id)
    if follow or job.state in states.FINAL:
        return messages
    newest = job.progress.step - 1
    return itertools.takewhile(lambda message: not (message.HasField("points") and message.points.steps[0] > newest or message.HasField("bookmark")), messages)


def _journal(folder: Path) -> Iterator[WatchMetricsResponse]:
    for report in journal.read(RunDir(folder).journal):
        kind = report.WhichOneof("event")
        if kind in ("started", "points"):
            yield WatchMetricsResponse(**{kind: getattr(report, kind)})


def _settings(job: Job) -> dict[str, str]:
    spec = job.spec
    return {"job": job.id, "name": spec.name, "optimizer": spec.optimizer.kind, "batch_size": str(spec.batch_size), "epochs": str(spec.epochs),
            "seed": str(spec.seed), "ranks": str(spec.ranks), "logical_shards": str(spec.logical_shards)}
