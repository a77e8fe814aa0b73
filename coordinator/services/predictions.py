"""PredictService."""

from bptrain.v1.predict_service_pb2_grpc import PredictServiceServicer
from coordinator.app import App
from coordinator.services.translate import translated
from coordinator.store import jobs


class Predictions(PredictServiceServicer):
    def __init__(self, app: App):
        self._database, self._oracles = app.database, app.oracles

    @translated
    async def Predict(self, request, context):
        row = await self._database.read(lambda connection: jobs.get(connection, request.job_id))
        if row["folds"]:
            raise jobs.in_folds(row)
        async for answer in self._oracles.answers(row, request.SerializeToString()):
            yield answer
