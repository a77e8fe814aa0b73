import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click
import numpy as np

from bpcore.errors import InvalidInput, Problem
from coordinator.answers import Predicted
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import fetched, options, written
from worker.jobs import jobfile
from worker.record import rundir
from worker.record.rundir import RunDir


@click.command()
@click.argument("job", metavar="JOB|JOB.yaml|FOLDER", shell_complete=options.job_ids)
@click.argument("data")
@click.option("--send", is_flag=True, help="DATA is a file of this machine, which is sent to the coordinator.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A .csv, or a .npy with the plain outputs.  [default: CSV, printed]")
@click.option("--batch-size", type=click.IntRange(1), default=256, show_default=True, help="Samples at a time.")
@options.data_root
@options.coordinator
def command(job: str, data: str, send: bool, output: Path | None, batch_size: int, data_root: str, address: Endpoint) -> None:
    """Predict with a run's newest checkpoint.

    JOB is one of a coordinator's. Without a coordinator: FOLDER is the run's; with JOB.yaml it is the newest run of that
    job here.

    DATA is a file or folder, read as the job reads its training data; `train` or `eval`; or another data set as in a job
    file, such as '{npz: {path: new.npz}}'. Answers need not be in it. It is looked for below the data root: the
    coordinator's own where JOB is one of its jobs.
    """
    if not Path(job).is_file() and not fetched.is_folder(job):
        with Client(address) as client:
            _write(client.predict(job, _file(data) if send else data, batch_size), output)
        return
    folder = Path(job) if Path(job).is_dir() else rundir.choose(jobfile.read(Path(job))[0].name, resume=True)
    _write(_here(RunDir(folder), data, Path(data_root), batch_size), output)


def _here(folder: RunDir, data: str, data_root: Path, batch_size: int) -> Iterator[Predicted]:
    from bptrain.v1.predict_service_pb2 import PredictRequest
    from worker.inference.predict import Oracle

    return map(Predicted.of, Oracle(folder, data_root).answers(PredictRequest(data=data, batch_size=batch_size)))


def _file(name: str) -> Path:
    """Raises InvalidInput."""
    if not Path(name).is_file():
        raise InvalidInput([Problem("data", f'expected a file to send, but there is no "{name}"')])
    return Path(name)


def _write(found: Iterator[Predicted], output: Path | None) -> None:
    """Raises InvalidInput where there are more numbers than columns can be."""
    if not output:
        _write_table(found, sys.stdout)
        return
    with written.whole(output) as file:
        if output.suffix == ".npy":
            np.save(file, np.concatenate([each.outputs for each in found]))
        else:
            with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
                _write_table(found, text)


def _write_table(found: Iterator[Predicted], file: TextIO) -> None:
    writer, head = csv.writer(file, lineterminator="\n"), []
    for each in found:
        if not each.columns:
            raise InvalidInput([Problem("output", "expected a file that ends in .npy: a sample has too many numbers for columns")])
        if not head:
            head = ["sample", *each.columns]
            writer.writerow(head)
        writer.writerows([sample, *row] for sample, row in zip(each.samples, each.answers))
