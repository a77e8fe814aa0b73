import click

from bptrain.v1.job_service_pb2 import Failure, Job
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import folds, options
from coordinator.terminal.clock import clock
from coordinator.terminal.columns import named
from coordinator.terminal.display import duration
from worker.record.console import sample_sentence


@click.command()
@options.job
@options.output
@options.coordinator
def command(job: str | None, style: str, address: Endpoint) -> None:
    """Show one job: its state and why, progress, newest values, history (default: the newest job)."""
    with Client(address) as client:
        found = options.find(client, job)
    options.show(found, style, named(facts(found)))


def facts(job: Job) -> list[tuple[str, str]]:
    """(what, its value), in the order in which people ask."""
    progress = job.progress
    rows = [("job", f"{job.id}  {job.spec.name}"), ("state", states.label(job.state) if job.HasField("failure") else f"{states.label(job.state)}: {job.cause}")]
    if job.queue_position:
        when = f"; it starts at about {clock(job.estimated_start)}" if job.estimated_start else ""
        rows.append(("queue", f"place {job.queue_position}: {job.waiting_reason}{when}"))
    if job.slow_reason:
        rows.append(("step", job.slow_reason))
    if job.HasField("failure"):
        rows += _failure(job.failure)
    if job.HasField("origin"):
        rows.append(("origin", f"step {job.origin.step} of {job.origin.job_id}"))
    done = f"step {progress.step}/{progress.total_steps}, epoch {progress.epoch}/{progress.epochs}"
    rows.append(("progress", done if progress.total_steps else "not begun"))
    if progress.samples_s:
        rows.append(("speed", f"{progress.samples_s:,.0f} samples/s, {duration(progress.left_s)} left"))
    if progress.HasField("sample"):
        rows.append(("sample", sample_sentence(progress.sample)))
    rows += [(name, folds.spread(job, name) if job.folds else f"{value:.6g}") for name, value in sorted(job.latest.items())]
    rows += [("" if line else "folds", text) for line, text in enumerate(folds.table(job).splitlines() if job.folds else ())]
    rows += [("ranks", f"{job.spec.ranks}, {job.spec.logical_shards} logical shard(s), seed {job.spec.seed}"), ("folder", job.run_dir)]
    if job.digest:
        rows.append(("digest", f"sha256:{job.digest}"))
    return rows + [("", f"{clock(change.time)}  {states.label(change.to)}: {change.cause}") for change in job.transitions]


def _failure(failure: Failure) -> list[tuple[str, str]]:
    """Why, where, when, and what to do next."""
    rank = f"rank {failure.rank}{f' on {failure.host}' if failure.host else ''}, " if failure.HasField("rank") else ""
    return [("failure", failure.cause), ("where", f"{rank}step {failure.step}"), ("next", failure.next_action)]
