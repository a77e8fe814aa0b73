"""The ranks that train now, and which of them share memory. Replaced as a whole when ranks come or go.

Ranks share memory where they run on one machine, in the same namespaces, for the same user: what they
would have to see of each other to open a segment.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from worker.agree import together
from worker.comm import Comm, table
from worker.comm.table import Table
from worker.errors import Unavailable
from worker.node import memory
from worker.node.memory import Segment


@dataclass(frozen=True)
class Crew:
    """`nodes[n]`: the ranks of node n, ascending. `pids`, `hosts`, `places`: of every rank. `beside_launcher`: whether
    any rank is on the launcher's host."""

    comm: Comm
    nodes: Sequence[Sequence[int]]
    pids: Sequence[int]
    hosts: Sequence[str]
    places: Sequence[str]
    beside_launcher: bool

    @classmethod
    def meet(cls, comm: Comm, shared_memory: bool = True) -> "Crew":
        """Collective. Without shared memory every rank is a node of its own."""
        key = _machine() if shared_memory and memory.is_supported() else f"rank {comm.rank}"
        mine = [key, os.getpid(), comm.host, comm.place, comm.is_beside_launcher]
        told = [json.loads(data) for data in comm.gather_all(json.dumps(mine).encode())]
        keys, pids, hosts, places, beside = (list(column) for column in zip(*told))
        nodes: dict[str, list[int]] = {}
        for rank, key in enumerate(keys):
            nodes.setdefault(key, []).append(rank)
        crew = cls(comm, list(nodes.values()), pids, hosts, places, any(beside))
        comm.table = crew._table() if len(nodes) == 1 and comm.size > 1 else None
        return crew

    @cached_property
    def mates(self) -> Sequence[int]:
        """The ranks on this rank's node, itself among them."""
        return next(node for node in self.nodes if self.comm.rank in node)

    @cached_property
    def place(self) -> int:
        """This rank's place among its mates; the first one leads the node."""
        return self.mates.index(self.comm.rank)

    def segments(self, size_bytes: int) -> list[Segment]:
        """One of each mate, in order, this rank's with so many bytes. Collective. Raises Agreed."""
        own = together(self.comm, lambda: _new(size_bytes))
        descriptors = [int(data) for data in self.comm.gather_all(str(own.descriptor).encode())]
        segments = together(self.comm, lambda: [own if rank == self.comm.rank else _open(self.pids[rank], descriptors[rank], rank)
                                                for rank in self.mates])
        for segment in segments:
            segment.close()
        return segments

    def _table(self) -> Table:
        segments = self.segments(table.SIZE_BYTES)
        return Table([segment.array(0, table.SIZE_BYTES // 8, np.float64) for segment in segments], self.place)

    @property
    def leads(self) -> bool:
        return self.place == 0

    @cached_property
    def is_last(self) -> bool:
        """Of its mates: who does what one of them must, where the first has more to do."""
        return self.place == len(self.mates) - 1


def _new(size_bytes: int) -> Segment:
    try:
        return Segment.new(size_bytes)
    except OSError as error:
        raise Unavailable(f"{size_bytes:,} bytes of shared memory cannot be had: {error.strerror}") from None


def _open(pid: int, descriptor: int, rank: int) -> Segment:
    try:
        return Segment.of_process(pid, descriptor)
    except OSError as error:
        raise Unavailable(f"the memory of rank {rank} cannot be opened ({error.strerror}); set shared_memory: false") from None


def _machine() -> str:
    """Equal for processes that can open each other's segments."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return " ".join([boot, os.readlink("/proc/self/ns/pid"), os.readlink("/proc/self/ns/net"), str(os.geteuid())])
