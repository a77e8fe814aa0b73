"""Who has which slots. A slot runs one rank."""

import asyncio

from coordinator.jobs.queue import Slots


class SlotBook:
    """`total`: slots there are; `most`: that the jobs of one owner may have together, 0 for any."""

    def __init__(self, total: int, most: int):
        self.total, self._most = total, most
        self.due = asyncio.Event()  # something has changed for the jobs that wait
        self._taken: dict[str, tuple[str, int]] = {}  # job id → its owner, slots in use

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._taken

    @property
    def free(self) -> int:
        return self.in_use().free

    def in_use(self) -> Slots:
        used: dict[str, int] = {}
        for owner, ranks in self._taken.values():
            used[owner] = used.get(owner, 0) + ranks
        return Slots(self.total, self._most, used)

    def of(self, job_id: str) -> int:
        return self._taken[job_id][1] if job_id in self._taken else 0

    def take(self, job_id: str, owner: str, ranks: int) -> None:
        """From now on so many, whatever it had."""
        self._taken[job_id] = owner, ranks

    def give_back(self, job_id: str) -> None:
        del self._taken[job_id]
        self.due.set()
