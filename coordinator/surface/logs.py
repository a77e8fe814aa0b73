"""What the ranks printed."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from bptrain.v1 import log_service_pb2 as logs
from bptrain.v1.log_service_pb2_grpc import LogServiceStub
from coordinator.surface.asking import Asking


class Logs(Asking):
    """Read in pages, or followed."""

    @cached_property
    def _logs(self) -> LogServiceStub:
        return LogServiceStub(self._channel)

    def logs(self, job_id: str, follow: bool = False, ranks: Sequence[int] = (), level: int = 0, contains: str = "", match: str = "",
             attempt: int = 0) -> Iterator[logs.LogLine]:
        """What the ranks printed, line by line; with `follow` until the job has ended. `match`: a regular expression of RE2;
        `attempt`: of which start of the ranks, from 1 (0: all). Raises InvalidInput for an expression that is none."""
        chosen = logs.LogFilter(ranks=ranks, level=level, contains=contains, match=match, attempt=attempt)
        if not follow:
            return self._pages(self._logs.ReadLogs, logs.ReadLogsRequest(job_id=job_id, filter=chosen), lambda page: page.lines, _further)
        return self._stream(self._logs.WatchLogs, lambda offset: logs.WatchLogsRequest(job_id=job_id, offset_bytes=offset, filter=chosen), 0,
                            lambda message: message.offset_bytes, lambda message: message.ended, lambda message: message.lines)


def _further(page: logs.ReadLogsResponse, request: logs.ReadLogsRequest) -> bool:
    request.offset_bytes = page.offset_bytes
    return page.more
