"""PredictService."""

from collections.abc import AsyncIterator

from bptrain.v1.predict_service_pb2 import GenerateRequest, PredictRequest
from bptrain.v1.predict_service_pb2_grpc import PredictServiceServicer
from coordinator.app import App
from coordinator.services.translate import translated
from coordinator.store import jobs
from worker.inference import predict


class Predictions(PredictServiceServicer):
    def __init__(self, app: App):
        self._database, self._oracles = app.database, app.oracles

    @translated
    async def Predict(self, request, context):
        async for answer in self._answers(predict.REQUEST, request):
            yield answer

    @translated
    async def Generate(self, request, context):
        async for answer in self._answers(predict.GENERATE, request):
            yield answer

    async def _answers(self, asked: bytes, request: PredictRequest | GenerateRequest) -> AsyncIterator[bytes]:
        row = await self._database.read(lambda connection: jobs.get(connection, request.job_id))
        if row["folds"]:
            raise jobs.in_folds(row)
        async for answer in self._oracles.answers(row, asked, request.SerializeToString()):
            yield answer
