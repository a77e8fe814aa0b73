from pathlib import Path

import click

from bpcore.errors import InvalidInput
from coordinator.endpoint import Endpoint
from coordinator.terminal import fetched, options, written
from worker import exports
from worker.jobs import jobfile
from worker.jobs.specs import fingerprint, parse_maths
from worker.record.checkpoint import load_newest


@click.command()
@click.argument("source", metavar="JOB|FOLDER", shell_complete=options.job_ids)
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
@options.coordinator
def command(source: str, output: Path, address: Endpoint) -> None:
    """Write the newest checkpoint of a coordinator's JOB, or of the run in FOLDER, as OUTPUT: .onnx or .safetensors."""
    from bpcore.model import Model
    from bpcore.optimization.update import Updater
    from worker.node.replica import Buffer

    convert = exports.converter(output.suffix)
    with fetched.run(source, address) as run:
        spec, problems = jobfile.read(run.job)
        if problems:
            raise InvalidInput(problems)
        model = Model(parse_maths(spec))
        updater = Updater(model.spec, model.layout)
        buffer = Buffer.zeros(model.layout, updater)
        loaded = load_newest(run.checkpoints, buffer, fingerprint(spec))
    with written.whole(output) as file:
        file.write(convert(model, updater.evaluated(buffer.parameters, buffer.state)))
    click.echo(f"{output}: {model.layout.count:,} parameters of step {loaded.step}")
