from pathlib import Path

import click
import numpy as np

from coordinator.terminal import options
from worker.jobs import checks, jobfile


@click.command()
@click.argument("job", type=click.Path(path_type=Path), metavar="JOB.yaml")
@click.option("--samples", type=click.IntRange(1), default=8, show_default=True, help="How many of the training data's.")
@options.data_root
def command(job: Path, samples: int, data_root: str) -> None:
    """Check the gradient of a job's own model on its own data, parameter by parameter, in float64.

    Exits with 1 if one is wrong. The surrogate of a gradient is none, and shows: spikes without smooth: true,
    recurrent layers with truncation.
    """
    from bpcore.gradcheck import TOLERANCE, check_model
    from bpcore.model import Model

    spec, problems = jobfile.read(job)
    checked = checks.check(spec, Path(data_root), problems)
    model = Model(checked.maths, np.float64)
    parameters = model.initialize(checked.spec.seed)
    if checked.start:
        checked.start.apply(parameters)
    batch = checked.samples(model, lambda: parameters).read(checked.schedule.order(0)[:samples])
    found = sorted(check_model(model, parameters, batch), key=lambda check: check.error)
    width = max(len(check.what) for check in found)
    click.echo(f"{'parameter':{width}}  {'analytic':>13}  {'numeric':>13}  relative error")
    for check in found:
        click.echo(f"{check.what:{width}}  {check.analytic:13.6g}  {check.numeric:13.6g}  {check.error:14.1e}")
    worst = found[-1]
    click.echo(f"worst: {worst.what}, off by {worst.error:.1e}; up to {TOLERANCE:.0e} is rounding")
    raise click.exceptions.Exit(int(worst.error > TOLERANCE))
