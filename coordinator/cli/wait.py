import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options
from coordinator.terminal.settling import until

STATES = [states.label(state).lower() for state in (states.RUNNING, states.PAUSED, *states.FINAL)]


@click.command()
@options.one_job
@click.option("--state", "wanted", multiple=True, type=click.Choice(STATES), help="Repeat for several.  [default: its end]")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0), default=None, help="Seconds.  [default: as long as it takes]")
@options.output
@options.coordinator
def command(job: str, wanted: tuple[str, ...], timeout_s: float | None, style: str, address: Endpoint) -> None:
    """Wait until a job has ended, or is in a state. Exits with 0 if it is there, and did not end otherwise than well."""
    with Client(address) as client:
        found = until(client, job, wanted, timeout_s)
    options.show(found, style, f"{states.label(found.state)}: {found.cause}")
    fine = states.label(found.state).lower() in (wanted or ("succeeded",))
    raise click.exceptions.Exit(0 if fine else 1)
