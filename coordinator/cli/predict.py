import csv
import sys
from contextlib import nullcontext
from pathlib import Path

import click
import numpy as np

from coordinator.terminal import options
from worker import jobfile, rundir
from worker.rundir import RunDir


@click.command()
@click.argument("job", type=click.Path(path_type=Path, exists=True), metavar="JOB.yaml|FOLDER")
@click.argument("data")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A .csv, or a .npy with the plain outputs.  [default: CSV, printed]")
@click.option("--batch-size", type=click.IntRange(1), default=256, show_default=True, help="Samples at a time.")
@options.data_root
def command(job: Path, data: str, output: Path | None, batch_size: int, data_root: str) -> None:
    """Predict with a run's newest checkpoint. FOLDER is the run's; with JOB.yaml it is the newest run of that job.

    DATA is a file or folder, read as the job reads its training data; `train` or `eval`; or another data set as in a job
    file, such as '{npz: {path: new.npz}}'. Answers need not be in it.
    """
    from worker.answers import Answers
    from worker.predicting import Predictor

    folder = job if job.is_dir() else rundir.choose(jobfile.read(job)[0].name, resume=True)
    predictor = Predictor.of(RunDir(folder))
    found = predictor.outputs(predictor.open(data, Path(data_root)), batch_size)
    if output and output.suffix == ".npy":
        np.save(output, np.concatenate([outputs for _, outputs in found]))
        return
    head = predictor.model.spec.heads[0]
    loss = type(head.loss).__module__.rpartition(".")[2]
    answers = Answers(loss, predictor.model.spec.output(head), predictor.learned.get("data", {}), getattr(head.loss, "blank", 0))
    with open(output, "w", newline="") if output else nullcontext(sys.stdout) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sample", *answers.columns])
        for indices, outputs in found:
            writer.writerows([index, *row] for index, row in zip(indices.tolist(), answers.rows(outputs)))
