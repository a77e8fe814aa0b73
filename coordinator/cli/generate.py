import click

from coordinator.endpoint import Endpoint
from coordinator.terminal import fetched, options


@click.command()
@click.argument("source", metavar="JOB|FOLDER", shell_complete=options.job_ids)
@click.option("--prompt", default="The ", show_default=True, help="How the text begins.")
@click.option("--length", type=click.IntRange(1), default=200, show_default=True, help="How many units (characters, by custom) follow.")
@click.option("--temperature", type=click.FloatRange(0), default=0.8, show_default=True, help="Below 1 likely units come more often; 0: always the likeliest.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True, help="What is drawn, again the same.")
@options.coordinator
def command(source: str, prompt: str, length: int, temperature: float, seed: int, address: Endpoint) -> None:
    """Write text with a model of what comes next, by a run's newest checkpoint.

    JOB is one of a coordinator's, FOLDER a run's.
    """
    from worker.inference.generating import Writer
    from worker.inference.predicting import Predictor

    with fetched.run(source, address) as run:
        predictor = Predictor.of(run)
    pieces = Writer.tried(predictor).text(prompt, length, temperature, seed)
    click.echo(prompt + next(pieces, ""), nl=False)  # nothing of a prompt that cannot be read
    for piece in pieces:
        click.echo(piece, nl=False)
    click.echo()
    click.echo(f"step {predictor.step}  temperature {temperature:g}  seed {seed}", err=True)
