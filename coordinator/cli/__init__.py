"""`bptrain`: one command a file; the file's stem is its name (`_` for `-`), its docstring its help; a folder is a
group of commands.

1. A command imports what it needs when it runs, so that `bptrain --help` is quick.
2. Every refusal is a sentence on standard error and an exit status: 1 the job failed, 2 bad input,
   3 something needed is missing, 130 interrupted.
"""

import importlib
import os
import pkgutil
import sys
from typing import Any

import click


class Commands(click.Group):
    """The files of one folder."""

    def __init__(self, package: str, **attributes: Any):
        super().__init__(**attributes)
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        folder = sys.modules[self.package].__path__
        return sorted(name.replace("_", "-") for _, name, _ in pkgutil.iter_modules(folder))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{self.package}.{name.replace('-', '_')}").command
        command.name = name
        return command


@click.group(cls=Commands, package=__name__, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bptrain")
def bptrain() -> None:
    """Trains neural networks, data-parallel, on CPU clusters: the same bits on any number of ranks."""


def main() -> None:
    try:
        _main()
    except KeyboardInterrupt:
        sys.exit(130)


def _main() -> None:
    from bpcore.errors import BptrainError
    from coordinator.errors import exit_code
    from worker.record.console import complain

    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # else it tells of every failed handshake in lines of its own
    try:
        sys.exit(bptrain.main(standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has left
        sys.exit(0)
    except BptrainError as error:
        complain(error)
        sys.exit(exit_code(error))
