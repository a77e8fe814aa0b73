"""WorkerService: reports come in, acknowledgements and commands go out, on one call a running job."""

import asyncio

import grpc

from bptrain.v1 import worker_service_pb2 as pb
from bptrain.v1.worker_service_pb2_grpc import WorkerServiceServicer
from coordinator.app import App
from coordinator.errors import Refusal
from coordinator.services.translate import translated


class Worker(WorkerServiceServicer):
    def __init__(self, app: App):
        self._app = app

    @translated
    async def Attach(self, requests, context):
        first = await anext(aiter(requests), pb.AttachRequest())
        if not first.HasField("hello"):
            raise Refusal("ATTEMPT_FENCED", job="", attempt=0)
        job_id = first.hello.job_id
        commands = await self._app.sessions.open(first.hello)
        outgoing: asyncio.Queue[pb.AttachResponse | None] = asyncio.Queue()
        await outgoing.put(_acknowledge(await self._app.intake.last_sequence(job_id)))
        tasks = [asyncio.create_task(self._take(job_id, requests, outgoing)), asyncio.create_task(_forward(commands, outgoing))]
        try:
            while (response := await outgoing.get()) is not None:
                yield response
        finally:
            self._app.sessions.close(job_id, commands)
            for task in tasks:
                task.cancel()

    async def _take(self, job_id: str, requests: grpc.aio.ServicerContext, outgoing: asyncio.Queue) -> None:
        """Stores what comes in and acknowledges it, until the ranks hang up."""
        try:
            async for request in requests:
                sequence = await self._app.intake.take(job_id, request.reports.reports)
                await outgoing.put(_acknowledge(sequence))
        finally:
            await outgoing.put(None)


async def _forward(commands: asyncio.Queue, outgoing: asyncio.Queue) -> None:
    while True:
        await outgoing.put(pb.AttachResponse(command=await commands.get()))


def _acknowledge(sequence: int) -> pb.AttachResponse:
    return pb.AttachResponse(acknowledgement=pb.Acknowledgement(sequence=sequence))
