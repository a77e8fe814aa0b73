"""The other end of the load test: what runs in processes of its own, calling a coordinator or the empty server.

Every function returns plain figures. Messages are made and read as bytes where that is enough, so that the callers take
little of the machine from who is measured.
"""

import asyncio
import itertools
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator

import grpc

from bptrain.v1.job_service_pb2 import SubmitJobRequest
from bptrain.v1.metric_service_pb2 import WatchMetricsRequest, WatchMetricsResponse
from bptrain.v1.report_pb2 import AttemptStarted, Column, Points, RankInfo, Report
from bptrain.v1.worker_service_pb2 import AttachRequest, Hello, ReportBatch
from bptrain.v1.worker_service_pb2_grpc import WorkerServiceStub

WATCH = "/bptrain.v1.MetricService/WatchMetrics"
SUBMIT = "/bptrain.v1.JobService/SubmitJob"
EMPTY_STREAM = "/empty/Stream"
SERIES = ("loss", "accuracy")


def rates(address: str, method: str, request: bytes, seconds: float, at_once: int) -> dict[str, float]:
    """Calls a second, and the times of single calls, with `at_once` of them always under way."""
    return asyncio.run(_rates(address, method, lambda: request, seconds, at_once))


def submits(address: str, spec: bytes, seconds: float, at_once: int) -> dict[str, float]:
    """The same for SubmitJob of one spec, each call with a request id of its own."""
    start = SubmitJobRequest()
    start.spec.ParseFromString(spec)
    head = start.SerializeToString()  # messages can be put together by joining their bytes
    return asyncio.run(_rates(address, SUBMIT, lambda: head + SubmitJobRequest(request_id=str(uuid.uuid4())).SerializeToString(), seconds, at_once))


async def _rates(address: str, method: str, request: Callable[[], bytes], seconds: float, at_once: int) -> dict[str, float]:
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(method)
        await call(request())  # the line is there
        began, took = time.perf_counter(), []
        await asyncio.gather(*(_one_after_the_other(lambda: call(request()), began + seconds, took) for _ in range(at_once)))
        return {"calls": len(took), "calls_s": len(took) / (time.perf_counter() - began)} | percentiles(took)


async def _one_after_the_other(call: Callable[[], Awaitable[bytes]], until: float, took: list[float]) -> None:
    while (began := time.perf_counter()) < until:
        await call()
        took.append(time.perf_counter() - began)


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Median and 99th percentile, in ms."""
    ordered = sorted(seconds)
    return {"p50_ms": 1000 * ordered[len(ordered) // 2], "p99_ms": 1000 * ordered[len(ordered) * 99 // 100]}


def beside(address: str, requests: list[tuple[str, bytes]], per_s: float, seconds: float) -> dict[str, float]:
    """So many calls a second, each another one of `requests` (method, bytes), whatever is answered: what others do meanwhile.
    A method that is none stands for bytes that go to the port without gRPC."""
    return asyncio.run(_beside(address, requests, per_s, seconds))


async def _beside(address: str, requests: list[tuple[str, bytes]], per_s: float, seconds: float) -> dict[str, float]:
    began, under_way = time.perf_counter(), []
    async with grpc.aio.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        for number in range(int(seconds * per_s)):
            await asyncio.sleep(began + number / per_s - time.perf_counter())
            under_way.append(asyncio.create_task(_whatever(channel, address, *requests[number % len(requests)])))
        statuses = await asyncio.gather(*under_way)
    return {"calls_s": len(statuses) / (time.perf_counter() - began)} | {status: statuses.count(status) for status in set(statuses)}


async def _whatever(channel: grpc.aio.Channel, address: str, method: str, request: bytes) -> str:
    """The status of one call."""
    if not method:
        _, writer = await asyncio.open_connection(*address.split(":"))
        writer.write(request)
        writer.close()
        return "OK"
    try:
        await channel.unary_unary(method)(request, metadata=[("authorization", "bearer guessed")], timeout=30)
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def watch(address: str, job_id: str, streams: int, seconds: float) -> dict[str, float]:
    """So many watchers of one job (of nothing, on the empty server), all in one process: how late its points reach them."""
    return asyncio.run(_watch(address, job_id, streams, seconds))


async def _watch(address: str, job_id: str, streams: int, seconds: float) -> dict[str, float]:
    request = WatchMetricsRequest(job_id=job_id).SerializeToString() if job_id else b""
    late = []
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.unary_stream(WATCH if job_id else EMPTY_STREAM)
        counts = await asyncio.gather(*(_follow(call(request), bool(job_id), time.time() + seconds, late) for _ in range(streams)))
    return {"streams": streams, "messages": sum(counts), "fewest": min(counts), "most": max(counts)} | percentiles(late)


async def _follow(call: grpc.aio.UnaryStreamCall, is_ours: bool, until: float, late: list[float]) -> int:
    """How many messages one stream got in the second half of its time, when all are connected; their delays into `late`."""
    count, since = 0, time.time() + (until - time.time()) / 2
    while (left := until - time.time()) > 0:
        try:
            message = await asyncio.wait_for(call.read(), left)
        except TimeoutError:
            break
        if message is grpc.aio.EOF:
            raise RuntimeError(f"a stream has ended: {await call.details()}")
        now = time.time()
        sent = _sent(message) if is_ours else float(message)
        if sent and sent > since:
            late.append(now - sent)
            count += 1
    call.cancel()
    return count


def _sent(message: bytes) -> float:
    times = WatchMetricsResponse.FromString(message).points.times
    return times[-1] if times else 0.0


def report(address: str, job_id: str, token: str, seconds: float, rows: int, every_s: float) -> dict[str, float]:
    """Plays rank 0: messages of `rows` steps, `every_s` seconds apart (0: as fast as they are acknowledged)."""
    feed = Feed(rows, every_s, seconds)
    with grpc.insecure_channel(address) as channel:
        hello = AttachRequest(hello=Hello(job_id=job_id, attempt=1, token=token))
        responses = WorkerServiceStub(channel).Attach(itertools.chain([hello], feed.requests()))
        for response in responses:
            feed.acknowledged = response.acknowledgement.sequence
            if feed.is_over and feed.acknowledged >= feed.sequence:
                break
        points = feed.acknowledged * rows * len(SERIES)
        return {"points": points, "points_s": points / (time.perf_counter() - feed.began)}


class Feed:
    AHEAD = 64  # reports that may be on their way

    def __init__(self, rows: int, every_s: float, seconds: float):
        self._rows, self._every_s, self._seconds = rows, every_s, seconds
        self.sequence = self.acknowledged = 0
        self.began = time.perf_counter()
        self.is_over = False

    def requests(self) -> Iterator[AttachRequest]:
        yield self._request(started=AttemptStarted(total_steps=10**9, steps_per_epoch=1000, batch_size=1, ranks=[RankInfo(host="here", pid=1)]))
        while time.perf_counter() < self.began + self._seconds:
            while self.sequence - self.acknowledged > self.AHEAD:
                time.sleep(0.001)
            yield self._request(points=self._points())
            time.sleep(self._every_s)
        self.is_over = True
        yield self._request(points=self._points())
        while self.acknowledged < self.sequence:
            time.sleep(0.01)

    def _request(self, **event: object) -> AttachRequest:
        self.sequence += 1
        return AttachRequest(reports=ReportBatch(reports=[Report(sequence=self.sequence, attempt=1, time=time.time(), **event)]))

    def _points(self) -> Points:
        steps = range(self._rows * (self.sequence - 1), self._rows * self.sequence)
        columns = [Column(series=name, values=[1 / (1 + step) for step in steps]) for name in SERIES]
        return Points(steps=steps, times=[time.time()] * self._rows, columns=columns)
