"""The file that names hosts, in mpirun's own form: a line `HOST slots=N` each, one slot where it says none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bpcore.errors import InvalidInput, Problem, expected

LINE = re.compile(r"(\S+?)(?:\s+slots\s*=\s*(\d+)|:(\d+))?")


@dataclass(frozen=True)
class Host:
    name: str
    slots: int = 1


def read(path: Path) -> list[Host]:
    """The hosts in the order of the file. Raises InvalidInput with every line that is not one."""
    hosts, problems = [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.partition("#")[0].strip()
        match = LINE.fullmatch(words)
        if match:
            hosts.append(Host(match[1], int(match[2] or match[3] or 1)))
        elif words:
            problems.append(Problem(f"{path}, line {number}", expected("HOST slots=N", words)))
    if not hosts and not problems:
        problems.append(Problem(str(path), "expected at least one line HOST slots=N"))
    if problems:
        raise InvalidInput(problems)
    return hosts


def text(hosts: Sequence[Host], open_mpi: bool) -> str:
    """The file for an mpirun. MPICH writes HOST:N."""
    return "".join(f"{host.name} slots={host.slots}\n" if open_mpi else f"{host.name}:{host.slots}\n" for host in hosts)


def fitting(ranks: int, hosts: Sequence[Host], left: Sequence[Host]) -> int:
    """How many of the ranks asked for are started on the hosts that are left: all of them where no host is
    missing, however few the slots."""
    return ranks if len(left) == len(hosts) else min(ranks, sum(host.slots for host in left))
