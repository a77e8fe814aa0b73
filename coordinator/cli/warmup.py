import time
from collections.abc import Iterator
from pathlib import Path

import click

from coordinator.terminal import options


@click.command()
@click.argument("jobs", nargs=-1, type=click.Path(path_type=Path), metavar="[JOB.yaml ...]")
@options.data_root
def command(jobs: tuple[Path, ...], data_root: str) -> None:
    """Compile ahead what jobs need, or everything, so that no job waits for it.

    What is compiled is kept on disk for all programs of this user; what is there already is left alone. Several may run
    at once. Code is compiled for this processor and these versions: another machine, or an update, needs its own.
    """
    from bpcore import kernels, needs
    from worker.node.turns import taking_turns

    kernels.taking_turns = taking_turns
    wanted: needs.Needs = {}
    for job in jobs:
        wanted |= _needs(job, Path(data_root))
    wanted = wanted if jobs else needs.everything()
    missing = [each for each in wanted if not each[0].is_kept(each[1])]
    if not missing:
        click.echo(f"all {len(wanted)} kernels are there")
        return
    began = time.monotonic()
    _compile(missing)
    click.echo(f"{len(missing)} of {len(wanted)} kernels compiled in {time.monotonic() - began:.0f} s; the others were there")


def _needs(path: Path, data_root: Path) -> dict:
    """Of one job. Raises InvalidInput."""
    from bpcore import needs
    from bpcore.model import Model
    from worker.jobs import checks, jobfile

    spec, problems = jobfile.read(path)
    job = checks.check(spec, data_root, problems)
    held_out, model = _batches(job, job.eval) if job.eval else (), Model(job.maths)
    own = needs.of_model(job.maths, _batches(job, job.samples(model, model.layout.zeros)), held_out)
    return own | needs.of_shards(job.spec.logical_shards, job.spec.ranks)


def _batches(job, data) -> Iterator:
    """One of each size that a shard can have."""
    import numpy as np

    from worker.shards import cut

    batch = min(job.schedule.batch_size, len(data))
    sizes = {part.stop - part.start for size in (batch, len(data) % batch) for part in cut(slice(0, size), job.spec.logical_shards)}
    return (data.read(np.arange(size)) for size in sorted(sizes - {0}))


def _compile(missing: list) -> None:
    from worker.errors import Unavailable

    width = max(len(kernel.name) for kernel, _ in missing)
    for i, (kernel, dtype) in enumerate(missing, 1):
        click.echo(f"{i:{len(str(len(missing)))}}/{len(missing)}  {kernel.name:{width}}", nl=False)
        began = time.monotonic()
        kernel.of(dtype)
        click.echo(f"  {time.monotonic() - began:5.1f} s")
        if not kernel.is_kept(dtype):
            raise Unavailable("what is compiled cannot be kept: neither the folder of the sources nor the user's cache may be written")
