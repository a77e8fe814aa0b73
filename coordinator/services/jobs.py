"""JobService."""

from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1.job_service_pb2_grpc import JobServiceServicer
from coordinator.app import App
from coordinator.services.translate import translated


class Jobs(JobServiceServicer):
    def __init__(self, app: App):
        self._changes, self._making, self._looking = app.changes, app.making, app.looking

    @translated
    async def SubmitJob(self, request, context):
        return pb.SubmitJobResponse(job=await self._making.submit(request))

    @translated
    async def GetJob(self, request, context):
        return pb.GetJobResponse(job=await self._looking.get(request.id))

    @translated
    async def ListJobs(self, request, context):
        jobs, token = await self._looking.page(request)
        return pb.ListJobsResponse(jobs=jobs, next_page_token=token)

    @translated
    async def UpdateJob(self, request, context):
        return pb.UpdateJobResponse(job=await self._changes.update(request))

    @translated
    async def PauseJob(self, request, context):
        return pb.PauseJobResponse(job=await self._changes.pause(request))

    @translated
    async def ResumeJob(self, request, context):
        return pb.ResumeJobResponse(job=await self._changes.resume(request))

    @translated
    async def CancelJob(self, request, context):
        return pb.CancelJobResponse(job=await self._changes.cancel(request))

    @translated
    async def RetryJob(self, request, context):
        return pb.RetryJobResponse(job=await self._changes.retry(request))

    @translated
    async def ForkJob(self, request, context):
        return pb.ForkJobResponse(job=await self._making.fork(request))

    @translated
    async def DeleteJob(self, request, context):
        return pb.DeleteJobResponse(job=await self._changes.delete(request))

    @translated
    async def UndeleteJob(self, request, context):
        return pb.UndeleteJobResponse(job=await self._changes.undelete(request))

    @translated
    async def WaitJob(self, request, context):
        job, reached = await self._looking.wait(request)
        return pb.WaitJobResponse(job=job, reached=reached)

    @translated
    async def WatchJobs(self, request, context):
        async for message in self._looking.watch(request):
            yield message

    @translated
    async def ResizeJob(self, request, context):
        return pb.ResizeJobResponse(job=await self._changes.resize(request))
