"""Who printed a line of a run's log: mpirun says so in front of it, each kind in its way."""

import re
from dataclasses import dataclass

OPEN_MPI_5, OPEN_MPI_4, MPICH = ["--output", "tag"], ["--tag-output"], ["-prepend-rank"]
# A job other than the first of an mpirun are replacements of lost ranks, whose numbers say nothing.
TAG = re.compile(r"\[(?:(?P<world>\d+),)?(?P<rank>\d+)\](?:<(?P<stream>stdout|stderr)>: ?| )")


@dataclass(frozen=True)
class Said:
    """`rank`: None for mpirun itself and for replacements. `loud`: on standard error, or mpirun's own words."""

    text: str
    rank: int | None
    loud: bool


def split(line: str) -> Said:
    """A line without its end."""
    tag = TAG.match(line)
    if tag is None:
        return Said(line, None, True)
    known = tag["world"] in (None, "1")
    return Said(line[tag.end():], int(tag["rank"]) if known else None, tag["stream"] == "stderr")
