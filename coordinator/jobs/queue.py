"""Which waiting jobs start now: first come, first served, by free slots. A slot runs one rank."""

from collections.abc import Sequence


def grants(waiting: Sequence[tuple[str, int]], free: int) -> list[str]:
    """Ids to start. `waiting`: (id, ranks) in order of submission; `free`: slots not in use.

    The first job that does not fit holds back those behind it, so that none waits for ever.
    """
    started = []
    for job_id, ranks in waiting:
        if ranks > free:
            break
        started.append(job_id)
        free -= ranks
    return started
