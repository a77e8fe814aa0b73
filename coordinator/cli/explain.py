from pathlib import Path

import click
import numpy as np

from bpcore.errors import InvalidInput, Problem, expected
from coordinator.endpoint import Endpoint
from coordinator.terminal import fetched, options
from worker.datasets import Dataset
from worker.jobs import checks, jobfile, specs
from worker.record.checkpoint import load_newest


@click.command()
@click.argument("source", metavar="JOB|FOLDER", shell_complete=options.job_ids)
@click.option("--sample", type=click.IntRange(0), default=0, show_default=True, help="Which one of the held-out data.")
@click.option("--output", type=click.IntRange(0), help="The output to explain.  [default: the largest]")
@click.option("--steps", type=click.IntRange(1), default=128, show_default=True, help="Of the way from nothing to the sample.")
@options.data_root
@options.coordinator
def command(source: str, sample: int, output: int | None, steps: int, data_root: str, address: Endpoint) -> None:
    """Show what of a sample speaks for an output of a trained model, and what against: integrated gradients.

    JOB is one of a coordinator's, FOLDER a run's; the data is read here. What all numbers contribute adds up to how far the output is above that of a sample of
    zeros; the error is how far it does not.
    """
    from bpcore import explain
    from bpcore.model import Model
    from bpcore.optimization.update import Updater
    from coordinator.terminal.picture import picture
    from worker.node.replica import Buffer

    with fetched.run(source, address) as run:
        spec, problems = jobfile.read(run.job)
        job = checks.check(spec, Path(data_root), problems)
        model = Model(job.maths)
        updater = Updater(model.spec, model.layout)
        buffer = Buffer.zeros(model.layout, updater)
        load_newest(run.checkpoints, buffer, specs.fingerprint(spec))
    parameters = updater.evaluated(buffer.parameters, buffer.state)
    batch = _sample(job.eval or job.samples(model, lambda: parameters), model, sample)
    scores = model.predict(parameters, batch)[0]
    chosen = np.array([_output(scores, output)])
    found = explain.integrated_gradients(model, parameters, batch, chosen, steps=steps)
    error = explain.completeness_error(model, parameters, batch, chosen, found)[0]
    for line in picture(batch[model.spec.graph.inputs[0].field][0], found[0]):
        click.echo(line)
    click.echo(f"sample {sample}: output {chosen[0]} is {scores[chosen[0]]:.4g}; contributions add up to {found.sum():.4g}, "
               f"off by {error:.2%}")


def _sample(data: Dataset, model: object, sample: int) -> dict[str, np.ndarray]:
    """A batch of one. Raises InvalidInput where there is none, or its first input has no gradient."""
    if sample >= len(data):
        raise InvalidInput([Problem("sample", expected(f"a number below {len(data)}, the number of samples", sample))])
    if model.spec.graph.inputs[0].integer:
        raise InvalidInput([Problem("model.inputs", "expected numbers as the first input, got integers; what they contribute is not defined")])
    return dict(data.read(np.array([sample])))


def _output(scores: np.ndarray, output: int | None) -> int:
    """Raises InvalidInput."""
    if scores.ndim != 1:
        raise InvalidInput([Problem("output", expected("a model with one row of outputs", list(scores.shape)))])
    if output is not None and output >= len(scores):
        raise InvalidInput([Problem("output", expected(f"an output below {len(scores)}", output))])
    return int(scores.argmax()) if output is None else output
