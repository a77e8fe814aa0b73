import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import click

from bptrain.v1.report_pb2 import AttemptEnded
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.launchers import Launch, Order
from coordinator.launchers.local import Local
from coordinator.runs.restarts import Restarts
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
    raise click.exceptions.Exit(asyncio.run(_train(order, place, checked.spec)))


async def _train(order: Order, place: RunDir, spec: JobSpec) -> int:
    tail = Tail(place.journal)
    list(tail.read())  # earlier attempts
    interrupt, restarts = _Interrupt(), Restarts(spec.recovery.restarts)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
    with display(f"{spec.name} in {place.path}", spec.epochs) as screen:
        status = await _follow(order, tail, screen, interrupt)
        while screen.view.ended is None and not interrupt.asked and restarts.again(screen.view.progress.step):
            screen.note(f"the ranks ended with exit status {status} at step {screen.view.progress.step}: starting them again")
            status = await _follow(replace(order, resume=True), tail, screen, interrupt)
    end = screen.view.ended
    if end is None:
        place.release_memory()
        raise TrainingFailed(f"the ranks ended with exit status {status} before the job was done; {place.log} has their words")
    click.echo(f"{end.cause} at step {end.step}")
    if end.digest:
        click.echo(f"parameters sha256:{end.digest}")
    if end.outcome == AttemptEnded.OUTCOME_STOPPED:
        click.echo(f"go on with: bptrain run {place.path} --resume")
        return 130
    return 0 if end.outcome == AttemptEnded.OUTCOME_COMPLETED else 1


async def _follow(order: Order, tail: Tail, screen: Display, interrupt: "_Interrupt") -> int | None:
    """Starts the ranks and shows the journal until they are gone; their exit status."""
    launch = interrupt.launch = await Local().start(order)
    gone = asyncio.ensure_future(launch.wait())
    looks, begun = 0, screen.view.started
    while True:
        looks += 1
        if screen.view.started is begun and looks % 5 == 0 and launch.lost_ranks():
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

    def __init__(self) -> None:
        self.launch: Launch | None = None
        self.asked = False

    def __call__(self) -> None:
        if self.asked and self.launch:
            self.launch.kill()
        elif self.launch:
            self.asked = True
            self.launch.ask_to_stop()
