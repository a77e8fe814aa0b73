"""Ranks on the line: one call of WorkerService.Attach for each running job."""

import asyncio
import hmac

from bptrain.v1.worker_service_pb2 import Command, Hello, Stop
from coordinator.errors import Refusal
from coordinator.store import jobs
from coordinator.store.database import Database


class Sessions:
    def __init__(self, database: Database):
        self._database = database
        self._commands: dict[str, asyncio.Queue[Command]] = {}

    async def open(self, hello: Hello) -> asyncio.Queue[Command]:
        """The queue of commands for these ranks. Raises Refusal ATTEMPT_FENCED for any but the job's own."""
        try:
            row = await self._database.read(lambda connection: jobs.get(connection, hello.job_id))
        except Refusal:
            raise Refusal("ATTEMPT_FENCED", job=hello.job_id, attempt=hello.attempt) from None
        if not hmac.compare_digest(row["token"].encode(), hello.token.encode()):
            raise Refusal("ATTEMPT_FENCED", job=hello.job_id, attempt=hello.attempt)
        self._commands[hello.job_id] = asyncio.Queue()
        return self._commands[hello.job_id]

    def close(self, job_id: str, commands: asyncio.Queue[Command]) -> None:
        if self._commands.get(job_id) is commands:
            del self._commands[job_id]

    def stop(self, job_id: str, cause: str) -> bool:
        """Sends the command to stop; False when the ranks are not on the line."""
        if job_id not in self._commands:
            return False
        self._commands[job_id].put_nowait(Command(stop=Stop(cause=cause)))
        return True
