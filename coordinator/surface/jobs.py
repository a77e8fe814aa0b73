"""Handing in jobs, looking at them, steering them.

Every call that changes something carries a request id: on a broken line it is safe to repeat.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from bpcore.errors import InvalidInput, Problem, unless_known
from bptrain.v1 import job_service_pb2 as jobs
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.limits import LONGEST_WAIT_S
from coordinator.surface.asking import DEADLINE_S, Asking, fresh_id
from worker.jobs import jobfile

JobLike = str | Path | Mapping[str, Any] | JobSpec


class Jobs(Asking):
    """With `validate_only` a call is checked as if it were meant, and nothing is done: the job as it would be."""

    @cached_property
    def _jobs(self) -> JobServiceStub:
        return JobServiceStub(self._channel)

    def submit(self, job: JobLike, validate_only: bool = False) -> jobs.Job:
        """Hands in a job: a job file's path, its content as a dict, or a JobSpec.

        Raises InvalidInput with every problem; nothing is stored then.
        """
        spec, problems = _spec(job)

        def refused(error: Exception) -> Exception:
            return InvalidInput(problems + unless_known(problems, error.problems)) if isinstance(error, InvalidInput) else error

        def take(response: jobs.SubmitJobResponse) -> jobs.Job:
            if problems:
                raise InvalidInput(problems)
            return response.job

        request = jobs.SubmitJobRequest(spec=spec, request_id=fresh_id(), validate_only=validate_only or bool(problems))
        return self._call(self._jobs.SubmitJob, request, take, refused)

    def get(self, job_id: str) -> jobs.Job:
        """One job as it stands. Raises Refusal JOB_NOT_FOUND."""
        return self._call(self._jobs.GetJob, jobs.GetJobRequest(id=job_id), _job)

    def list(self, filter: str = "", show_deleted: bool = False) -> Iterator[jobs.Job]:
        """Jobs, newest first. `filter`: such as `state = RUNNING AND label.team = vision` (protos, ListJobsRequest)."""
        return self._pages(self._jobs.ListJobs, jobs.ListJobsRequest(filter=filter, show_deleted=show_deleted), lambda page: page.jobs)

    def update(self, job_id: str, etag: str = "", validate_only: bool = False, **fields: Any) -> jobs.Job:
        """Changes `labels`, `priority`, `time_limit_s` or `deadline`; None goes back to the default. `etag`: of the job as
        you saw it. Raises InvalidInput, Refusal ETAG_MISMATCH."""
        spec, mask = _patch(fields)
        request = jobs.UpdateJobRequest(id=job_id, etag=etag, spec=spec, update_mask=mask, request_id=fresh_id(), validate_only=validate_only)
        return self._call(self._jobs.UpdateJob, request, _job)

    def pause(self, job_id: str, validate_only: bool = False) -> jobs.Job:
        """Takes it off its ranks, with a checkpoint; returns at once."""
        return self._call(self._jobs.PauseJob, jobs.PauseJobRequest(id=job_id, request_id=fresh_id(), validate_only=validate_only), _job)

    def resume(self, job_id: str, ranks: int = 0, validate_only: bool = False) -> jobs.Job:
        """Lets a paused job go on, with another number of ranks if you like; the bits stay the same."""
        return self._call(self._jobs.ResumeJob, jobs.ResumeJobRequest(id=job_id, ranks=ranks, request_id=fresh_id(), validate_only=validate_only), _job)

    def cancel(self, job_id: str, mode: str = "checkpoint", validate_only: bool = False) -> jobs.Job:
        """Ends a job; returns at once. `mode`: checkpoint, step (without one) or now (killed)."""
        request = jobs.CancelJobRequest(id=job_id, mode=f"CANCEL_MODE_{mode.upper()}", request_id=fresh_id(), validate_only=validate_only)
        return self._call(self._jobs.CancelJob, request, _job)

    def retry(self, job_id: str, validate_only: bool = False) -> jobs.Job:
        """Lets a failed or cancelled job go on from its newest checkpoint."""
        return self._call(self._jobs.RetryJob, jobs.RetryJobRequest(id=job_id, request_id=fresh_id(), validate_only=validate_only), _job)

    def fork(self, job_id: str, step: int = 0, changes: Mapping[str, Any] | None = None, validate_only: bool = False) -> jobs.Job:
        """A new job from a kept checkpoint of another (0: the newest). `changes`: keys of a job file and their new values,
        such as {"optimizer": {"adam": {"learning_rate": 1e-4}}}. Raises InvalidInput, Refusal CHECKPOINT_NOT_FOUND."""
        spec, mask = _patch(changes or {})
        request = jobs.ForkJobRequest(id=job_id, step=step, spec=spec, update_mask=mask, request_id=fresh_id(), validate_only=validate_only)
        return self._call(self._jobs.ForkJob, request, _job)

    def delete(self, job_id: str, force: bool = False, validate_only: bool = False) -> jobs.Job:
        """Takes a job that has ended out of the lists; `force`: also one that has not, which is killed."""
        return self._call(self._jobs.DeleteJob, jobs.DeleteJobRequest(id=job_id, force=force, request_id=fresh_id(), validate_only=validate_only), _job)

    def undelete(self, job_id: str, validate_only: bool = False) -> jobs.Job:
        """Brings a deleted job back, until its `purge_time`."""
        return self._call(self._jobs.UndeleteJob, jobs.UndeleteJobRequest(id=job_id, request_id=fresh_id(), validate_only=validate_only), _job)

    def resize(self, job_id: str, ranks: int, validate_only: bool = False) -> jobs.Job:
        """Lets a running job go on with another number of ranks, with the same bits; returns at once.

        Raises InvalidInput for a number that its shards or the coordinator's slots do not allow, Refusal when the job
        does not run or other jobs have the slots.
        """
        return self._call(self._jobs.ResizeJob, jobs.ResizeJobRequest(id=job_id, ranks=ranks, request_id=fresh_id(), validate_only=validate_only), _job)

    def wait(self, job_id: str, states: Sequence[str] = (), timeout_s: float = LONGEST_WAIT_S) -> jobs.Job:
        """The job, once it is in one of these states (RUNNING, PAUSED …; none: it has ended), or as it is when the time is
        up."""
        names = [f"JOB_STATE_{state.upper()}" for state in states]
        return self._call(self._jobs.WaitJob, jobs.WaitJobRequest(id=job_id, states=names, timeout_s=timeout_s), _job,
                          deadline_s=min(timeout_s, LONGEST_WAIT_S) + DEADLINE_S)

    def changes(self, cursor: str = "", progress: bool = False) -> Iterator[jobs.WatchJobsResponse]:
        """Every change of every job, once, in order, from now on or behind a cursor ("0": the oldest kept). Never ends.
        `progress`: also, about once a second, those that have come further, and with everything the job as it is then."""
        return self._stream(self._jobs.WatchJobs, lambda position: jobs.WatchJobsRequest(cursor=position, progress=progress), cursor,
                            lambda message: message.cursor, lambda message: False, lambda message: [message] if message.job_id else [])


def _job(response: Any) -> jobs.Job:
    return response.job


def _spec(job: JobLike) -> tuple[JobSpec, list[Problem]]:
    if isinstance(job, JobSpec):
        return job, []
    return jobfile.parse(dict(job)) if isinstance(job, Mapping) else jobfile.read(job)


def _patch(fields: Mapping[str, Any]) -> tuple[JobSpec, FieldMask]:
    """Raises InvalidInput."""
    spec, problems = jobfile.parse(dict(fields))
    if problems:
        raise InvalidInput(problems)
    return spec, FieldMask(paths=fields)
