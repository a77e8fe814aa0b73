import asyncio
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

import click

from bpcore.errors import InvalidInput, Problem
from bptrain.v1.report_pb2 import AttemptEnded
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.launchers import Launcher, Order, hostfile
from coordinator.launchers.hosts import Hosts
from coordinator.launchers.local import Local
from coordinator.terminal import folds, options
from coordinator.terminal.display import display
from coordinator.terminal.foreground import Foreground
from worker.errors import TrainingFailed
from worker.jobs import checks, jobfile, specs
from worker.record import rundir
from worker.record.rundir import RunDir


@click.command()
@click.argument("job", type=click.Path(path_type=Path), metavar="JOB.yaml|FOLDER")
@click.option("--ranks", type=click.IntRange(1), help="MPI ranks.  [default: as the job says]")
@click.option("--run-dir", type=click.Path(file_okay=False, path_type=Path), help="Folder for journal and checkpoints.  [default: runs/NAME]")
@click.option("--resume", is_flag=True, help="Go on with the run where it stopped.")
@click.option("--hosts", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Train on several hosts, a line `HOST slots=N` each; all must see job, data and run folder at the same paths.")
@click.option("--agent", default="ssh", show_default=True, metavar="PROGRAM", help="Starts a command on another host: PROGRAM HOST COMMAND.")
@click.option("--mpirun-option", "more", multiple=True, metavar="TEXT", help="For mpirun as it stands, such as '--mca btl_tcp_if_include eth0'.")
@options.data_root
def command(job: Path, ranks: int | None, run_dir: Path | None, resume: bool, hosts: Path | None, agent: str,
            more: tuple[str, ...], data_root: str) -> None:
    """Train a job here, without a coordinator. FOLDER is an earlier run's; Ctrl-C stops with a checkpoint."""
    words = [word for text in more for word in shlex.split(text)]
    launcher = Hosts(hostfile.read(hosts), agent, words) if hosts else Local(words)
    folder = job if job.is_dir() else run_dir
    spec, problems = jobfile.read(_of_folder(job) if job.is_dir() else job)
    spec = specs.for_ranks(spec, ranks or spec.ranks or 1)
    if spec.folds > 1 and not spec.fold:
        raise click.exceptions.Exit(_cross_validate(launcher, spec, problems, Path(data_root), folder, resume))
    raise click.exceptions.Exit(_run(launcher, spec, problems, Path(data_root), folder, resume))


def _of_folder(folder: Path) -> Path:
    """The job file of a run. Raises InvalidInput."""
    if not (folder / "job.json").exists():
        raise InvalidInput([Problem(str(folder), "expected a job file, or the folder of a run, but in this one there is no job.json")])
    return folder / "job.json"


def _run(launcher: Launcher, spec: JobSpec, problems: Sequence[Problem], data_root: Path, folder: Path | None, resume: bool) -> int:
    """The exit status."""
    checked = checks.check(spec, data_root, problems)
    place = RunDir(folder or rundir.choose(checked.spec.name, resume))
    place.prepare(checked.spec, resume)
    order = Order(place.path, checked.spec.ranks, data_root, resume=resume)
    launcher.command(order)  # refuses before anything is shown
    return asyncio.run(_train(launcher, order, place, checked.spec))


def _cross_validate(launcher: Launcher, spec: JobSpec, problems: Sequence[Problem], data_root: Path, folder: Path | None, resume: bool) -> int:
    """All folds, each a run with a folder of its own; what is done already is not done again."""
    parent, values = folder or rundir.choose(spec.name, resume), []
    for spec.fold in range(1, spec.folds + 1):
        place = RunDir(folds.folder(parent, spec.fold))
        if not (resume and folds.is_done(place)):
            status = _run(launcher, spec, problems, data_root, place.path, resume and place.job.exists())
            if status:
                return status
        values.append(folds.evaluation(place, spec.checkpoint.keep_best))
    for line in folds.report(parent, values):
        click.echo(line)
    return 0


async def _train(launcher: Launcher, order: Order, place: RunDir, spec: JobSpec) -> int:
    with display(f"{spec.name} in {place.path}", spec.epochs) as screen:
        run = Foreground(launcher, order, spec.recovery.restarts, screen)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, run.interrupt)
        status = await run.until_the_end()
    end = screen.view.ended
    if end is None:
        place.release_memory()
        if run.interrupted:
            click.echo(f"stopped before the first step; start again with: bptrain run {shlex.quote(str(place.path))} --resume")
            return 130
        raise TrainingFailed(f"the ranks ended with exit status {status} before the job was done; {place.log} has their words")
    click.echo(end.cause if end.outcome == AttemptEnded.OUTCOME_FAILED else f"{end.cause} at step {end.step}")
    if end.digest:
        click.echo(f"parameters sha256:{end.digest}")
    if end.outcome == AttemptEnded.OUTCOME_STOPPED:
        click.echo(f"go on with: bptrain run {shlex.quote(str(place.path))} --resume")
        return 130
    return 0 if end.outcome == AttemptEnded.OUTCOME_COMPLETED else 1
