"""Ranks on the line: one call of WorkerService.Attach for each running job."""

import asyncio
import hmac

from bptrain.v1.worker_service_pb2 import Command, Hello, Leave, Stop
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

    def are_open(self, job_id: str) -> bool:
        """Whether the ranks are on the line."""
        return job_id in self._commands

    def stop(self, job_id: str, cause: str, discard: bool = False) -> bool:
        """Sends the command to stop, with a checkpoint unless `discard`; False when the ranks are not on the line."""
        return self._send(job_id, Command(stop=Stop(cause=cause, discard=discard)))

    def leave(self, job_id: str) -> bool:
        """Sends the command to make room for another number of ranks; False when they are not on the line."""
        return self._send(job_id, Command(leave=Leave()))

    def _send(self, job_id: str, command: Command) -> bool:
        if job_id not in self._commands:
            return False
        self._commands[job_id].put_nowait(command)
        return True
