from pathlib import Path

import click

from bpcore.errors import InvalidInput
from worker import exports, jobfile
from worker.checkpoint import load_newest
from worker.checks import fingerprint, parse_maths
from worker.rundir import RunDir


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
def command(folder: Path, output: Path) -> None:
    """Write a run's newest checkpoint as OUTPUT: .onnx or .safetensors. FOLDER is the run's."""
    from bpcore.model import Model
    from bpcore.update import Updater
    from worker.replica import Buffer

    convert = exports.converter(output.suffix)
    spec, problems = jobfile.read(RunDir(folder).job)
    if problems:
        raise InvalidInput(problems)
    model = Model(parse_maths(spec))
    updater = Updater(model.spec, model.layout)
    buffer = Buffer.zeros(model.layout, updater)
    loaded = load_newest(RunDir(folder).checkpoints, buffer, fingerprint(spec))
    output.write_bytes(convert(model, updater.evaluated(buffer.parameters, buffer.state)))
    click.echo(f"{output}: {model.layout.count:,} parameters of step {loaded.step}")
