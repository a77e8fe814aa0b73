"""Ends ranks: asks them over the link, else by signal, and kills what has not ended after the grace.

Of ranks that are just being started some are not there yet, and none is on the line: they are asked as they come.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Set
from contextlib import suppress

from bptrain.v1.job_service_pb2 import CancelMode
from coordinator.launchers import Launch, poll
from coordinator.runs.sessions import Sessions

GRACE_S = 10.0  # between asking ranks to stop and ending them
ASK_S = 0.1
LEAVE_S = 5.0  # for mpirun to clear up after ranks that are done

log = logging.getLogger("bptrain.stopping")


class Stopping:
    """`launches`: by job, those that run now."""

    def __init__(self, launches: Mapping[str, Launch], sessions: Sessions):
        self._launches, self._sessions = launches, sessions

    async def stop(self, job_id: str, cause: str, mode: int = CancelMode.CANCEL_MODE_CHECKPOINT) -> None:
        launch = await self._launch(job_id)
        if launch is None:
            return
        if mode != CancelMode.CANCEL_MODE_NOW:
            await self._ask(launch, lambda: self._sessions.stop(job_id, cause, mode == CancelMode.CANCEL_MODE_STEP))
            if not self._runs(launch):
                return
            log.warning("job %s: its ranks did not stop in %g s and are ended", job_id, GRACE_S)
        await self._end(launch)

    async def clear_up(self, job_ids: Set[str]) -> None:
        """Waits until nothing of these jobs, which have ended, runs any more; ends what goes on beyond the grace."""
        if not await self._gone(job_ids, GRACE_S):
            for job_id in job_ids & self._launches.keys():
                log.warning("job %s has ended, but not its mpirun, which is ended now", job_id)
                self._launches[job_id].kill()
            await self._gone(job_ids, LEAVE_S)

    async def _gone(self, job_ids: Set[str], within_s: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(poll(lambda: not job_ids & self._launches.keys()), within_s)
        return not job_ids & self._launches.keys()

    async def _ask(self, launch: Launch, send: Callable[[], bool]) -> None:
        """Until they are gone, or the grace is over. `send()`: over the link; whether they are on it."""
        until, sent = time.monotonic() + GRACE_S, False
        while self._runs(launch) and time.monotonic() < until:
            sent = sent or send()
            if not sent:
                launch.ask_to_stop()
            await asyncio.sleep(ASK_S)

    async def _launch(self, job_id: str) -> Launch | None:
        for _ in range(20):  # one may be under way
            if job_id in self._launches:
                break
            await asyncio.sleep(0.05)
        return self._launches.get(job_id)

    async def _end(self, launch: Launch) -> None:
        """Kills, and once more what is left."""
        launch.kill()
        await asyncio.sleep(LEAVE_S)
        if self._runs(launch):
            launch.kill()

    def _runs(self, launch: Launch) -> bool:
        return launch in self._launches.values()
