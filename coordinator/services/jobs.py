"""JobService."""

from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1.job_service_pb2_grpc import JobServiceServicer
from coordinator.app import App
from coordinator.services.translate import translated


class Jobs(JobServiceServicer):
    def __init__(self, app: App):
        self._app = app

    @translated
    async def SubmitJob(self, request, context):
        return pb.SubmitJobResponse(job=await self._app.submit(request.spec, request.request_id, request.validate_only))

    @translated
    async def GetJob(self, request, context):
        return pb.GetJobResponse(job=await self._app.get(request.id))

    @translated
    async def ListJobs(self, request, context):
        jobs, token = await self._app.page(request.page_size, request.page_token)
        return pb.ListJobsResponse(jobs=jobs, next_page_token=token)

    @translated
    async def CancelJob(self, request, context):
        return pb.CancelJobResponse(job=await self._app.cancel(request.id, "cancelled by a user"))

    @translated
    async def ResizeJob(self, request, context):
        return pb.ResizeJobResponse(job=await self._app.resize(request.id, request.ranks))
