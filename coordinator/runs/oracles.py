"""Processes that predict with the checkpoints of jobs (worker/inference/predict.py): the coordinator itself computes nothing.

1. MOST of them work at once; who comes when all are busy waits. One answers one question at a time.
2. One that has answered waits IDLE_S for the next question about its job, since to start it takes a second.
3. One whose answer nobody wants any more is killed in the middle of it.
"""

import asyncio
import json
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from bpcore.errors import InvalidInput, Problem
from coordinator.runs import kept
from worker.__main__ import THREAD_VARIABLES
from worker.inference import predict
from worker.record import checkpoint
from worker.record.rundir import RunDir

MOST = 2
IDLE_S = 60.0


class Oracle:
    """Of one job."""

    def __init__(self, process: Process):
        self._process = process
        self._leaving: asyncio.TimerHandle | None = None

    async def ask(self, asked: bytes, request: bytes) -> AsyncIterator[tuple[bytes, bytes]]:
        """Marks and contents of the frames that answer, the last one included. `asked`: the request's mark. Raises RuntimeError where it has died."""
        self._process.stdin.write(predict.HEAD.pack(asked, len(request)) + request)
        mark = predict.ANSWER
        while mark == predict.ANSWER:
            try:
                mark, length = predict.HEAD.unpack(await self._process.stdout.readexactly(predict.HEAD.size))
                yield mark, await self._process.stdout.readexactly(length)
            except asyncio.IncompleteReadError:
                raise RuntimeError("the process that predicts has died") from None

    @property
    def listens(self) -> bool:
        """Not while it is on its way out."""
        return self._process.returncode is None and not self._process.stdin.is_closing()

    def rest(self) -> None:
        """Leaves after IDLE_S."""
        self._leaving = asyncio.get_running_loop().call_later(IDLE_S, self._process.stdin.close)

    def wake(self) -> None:
        self._leaving.cancel()

    async def kill(self) -> None:
        if self._leaving:
            self._leaving.cancel()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class Oracles:
    def __init__(self, data_root: Path):
        self._data_root = data_root
        self._turns = asyncio.Semaphore(MOST)
        self._resting: dict[str, Oracle] = {}  # by job

    async def answers(self, row: sqlite3.Row, asked: bytes, request: bytes) -> AsyncIterator[bytes]:
        """To an encoded request about that job, encoded responses. `asked`: its mark (worker/inference/predict.py). Raises InvalidInput, Refusal
        CHECKPOINT_NOT_FOUND or CHECKPOINT_CORRUPT."""
        folder = RunDir(Path(row["run_dir"]))
        if checkpoint.newest(folder.checkpoints) < 0:
            raise kept.refusal(row["id"], folder.checkpoints)
        async with self._turns:
            oracle, mark = await self._taken(row["id"], folder), b""
            try:
                async for mark, content in oracle.ask(asked, request):
                    if mark == predict.ANSWER:
                        yield content
            finally:
                await self._put_back(row["id"], oracle, mark not in (b"", predict.ANSWER))
        if mark == predict.PROBLEMS:
            raise InvalidInput([Problem(*each) for each in json.loads(content)])
        if mark == predict.UNAVAILABLE:
            raise kept.refusal(row["id"], folder.checkpoints)

    async def close(self) -> None:
        while self._resting:
            await self._resting.popitem()[1].kill()

    async def _taken(self, job_id: str, folder: RunDir) -> Oracle:
        oracle = self._resting.pop(job_id, None)
        if oracle and oracle.listens:
            oracle.wake()
            return oracle
        command = [sys.executable, "-m", "worker.inference.predict", str(folder.path), "--data-root", str(self._data_root)]
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
        return Oracle(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment, cwd=folder.path))

    async def _put_back(self, job_id: str, oracle: Oracle, is_done: bool) -> None:
        """At most MOST rest."""
        surplus = [self._resting.pop(job_id, None), *([] if is_done else [oracle])]
        if is_done:
            self._resting[job_id] = oracle
            oracle.rest()
        if len(self._resting) > MOST:
            surplus.append(self._resting.pop(next(iter(self._resting))))
        for each in filter(None, surplus):
            await each.kill()
