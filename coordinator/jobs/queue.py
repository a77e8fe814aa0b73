"""Which waiting jobs start now, by priority, then by order of submission. A slot runs one rank.

1. The first job that does not fit holds back those behind it, so that none waits for ever.
2. A job whose owner has as many slots as one may have, or that is to be tried again later, holds back nobody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Waiting:
    """`ranks`: slots that it needs; `not_before`: Unix seconds."""

    id: str
    ranks: int
    priority: int = 50
    owner: str = ""
    not_before: float = 0.0


@dataclass(frozen=True)
class Slots:
    """`total`; `most`: that the jobs of one owner may have together, 0 for any; `used`: owner → slots in use."""

    total: int
    most: int = 0
    used: Mapping[str, int] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return self.total - sum(self.used.values())

    def are_spent(self, job: Waiting) -> bool:
        """Whether its owner may not have so many more."""
        return 0 < self.most < self.used.get(job.owner, 0) + job.ranks

    def without(self, job: Waiting) -> "Slots":
        return replace(self, used={**self.used, job.owner: self.used.get(job.owner, 0) + job.ranks})


def ordered(waiting: Collection[Waiting]) -> list[Waiting]:
    return sorted(waiting, key=lambda job: (-job.priority, job.id))


def grants(waiting: Collection[Waiting], slots: Slots, now: float = 0.0) -> list[str]:
    """Ids to start."""
    started = []
    for job in ordered(waiting):
        if job.not_before > now or slots.are_spent(job):
            continue
        if job.ranks > slots.free:
            break
        started.append(job.id)
        slots = slots.without(job)
    return started


def starts(waiting: Collection[Waiting], slots: Slots, running: Sequence[tuple[float, str, int]], now: float) -> dict[str, float]:
    """Job id → when it will start at the latest, by what is known. `running`: (when it ends, owner, slots), of the jobs
    that say when. Where that does not decide it, the job is missing. How long the waiting ones will take is not known,
    so what they take is not given back."""
    times: dict[str, float] = {}
    ends = [(now, "", 0), *sorted(running), *((job.not_before, "", 0) for job in waiting if job.not_before > now)]
    for when, owner, ranks in sorted(ends):
        slots = replace(slots, used={**slots.used, owner: slots.used.get(owner, 0) - ranks})
        for job in [job for job in waiting if job.id in grants([each for each in waiting if each.id not in times], slots, when)]:
            times[job.id] = when
            slots = slots.without(job)
    return times
