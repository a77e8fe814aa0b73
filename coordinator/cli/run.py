import asyncio
import signal
from pathlib import Path

import click

from bptrain.v1.report_pb2 import AttemptEnded
from coordinator.launchers import Launch, Order
from coordinator.launchers.local import Local
from coordinator.terminal import options
from coordinator.terminal.display import Display, display
from worker import checks, jobfile, rundir
from worker.errors import TrainingFailed
from worker.journal import Tail
from worker.rundir import RunDir

POLL_S = 0.1


@click.command()
@click.argument("job", type=click.Path(path_type=Path), metavar="JOB.yaml|FOLDER")
@click.option("--ranks", type=click.IntRange(1), help="MPI ranks.  [default: as the job says]")
@click.option("--run-dir", type=click.Path(file_okay=False, path_type=Path), help="Folder for journal and checkpoints.  [default: runs/NAME]")
@click.option("--resume", is_flag=True, help="Go on at the newest checkpoint of the run.")
@options.data_root
def command(job: Path, ranks: int | None, run_dir: Path | None, resume: bool, data_root: str) -> None:
    """Train a job here, without a coordinator. FOLDER is an earlier run's; Ctrl-C stops with a checkpoint."""
    folder = job if job.is_dir() else run_dir
    spec, problems = jobfile.read(job / "job.json" if job.is_dir() else job)
    checked = checks.check(checks.for_ranks(spec, ranks or spec.ranks or 1), Path(data_root), problems)
    place = RunDir(folder or rundir.choose(checked.spec.name, resume))
    place.prepare(checked.spec, resume)
    order = Order(place.path, checked.spec.ranks, Path(data_root), resume=resume)
    raise click.exceptions.Exit(asyncio.run(_train(order, place, checked.spec.name, checked.spec.epochs)))


async def _train(order: Order, place: RunDir, name: str, epochs: int) -> int:
    tail = Tail(place.journal)
    list(tail.read())  # earlier attempts
    launch = await Local().start(order)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, _Interrupt(launch))
    with display(f"{name} in {place.path}", epochs) as screen:
        status = await _follow(launch, tail, screen)
    end = screen.view.ended
    if end is None:
        raise TrainingFailed(f"the ranks ended with exit status {status} before the job was done; {place.log} has their words")
    click.echo(f"{end.cause} at step {end.step}")
    if end.digest:
        click.echo(f"parameters sha256:{end.digest}")
    if end.outcome == AttemptEnded.OUTCOME_STOPPED:
        click.echo(f"go on with: bptrain run {place.path} --resume")
        return 130
    return 0 if end.outcome == AttemptEnded.OUTCOME_COMPLETED else 1


async def _follow(launch: Launch, tail: Tail, screen: Display) -> int | None:
    """Shows the journal until the ranks are gone; their exit status."""
    gone = asyncio.ensure_future(launch.wait())
    looks = 0
    while True:
        looks += 1
        if screen.view.started is None and looks % 5 == 0 and launch.lost_ranks():
            launch.kill()  # a rank died before all had met: the others would wait for it in MPI
        last_look = gone.done()
        for report in tail.read():
            kind = report.WhichOneof("event")
            screen.apply(kind, getattr(report, kind))
        if last_look:
            return gone.result()
        await asyncio.wait([gone], timeout=POLL_S)


class _Interrupt:
    """Ctrl-C: the first asks the ranks to stop, the second ends them."""

    def __init__(self, launch: Launch):
        self._launch, self._asked = launch, False

    def __call__(self) -> None:
        if self._asked:
            self._launch.kill()
        else:
            self._asked = True
            self._launch.ask_to_stop()
