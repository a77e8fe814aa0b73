"""The coordinator's process: one event loop, the users' port, the ranks' port.

1. A second coordinator on the same state folder is refused.
2. Leaving is quick and loses nothing: no new jobs, health says so, streams end with DRAINING and without an end record,
   so clients reconnect with their cursor; ranks go on, and are found again by the next coordinator.
"""

import asyncio
import dataclasses
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from bptrain.v1 import admin_service_pb2, artifact_service_pb2, cluster_service_pb2, job_service_pb2, log_service_pb2, metric_service_pb2, predict_service_pb2
from bptrain.v1 import worker_service_pb2_grpc
from coordinator.access import issue
from coordinator.access.gate import Gate
from coordinator.access.trail import Trail
from coordinator.app import App, Settings
from coordinator.launchers.local import Local
from coordinator.ports import Listen
from coordinator.services.admin import Admin
from coordinator.services.artifacts import Artifacts
from coordinator.services.cluster import Cluster
from coordinator.services.gateway import Gateway
from coordinator.services.guard import Guard
from coordinator.services.jobs import Jobs
from coordinator.services.logs import Logs
from coordinator.services.metrics import Metrics
from coordinator.services.predictions import Predictions
from coordinator.services.streams import Streams
from coordinator.services.worker import Worker
from coordinator.store import tokens
from coordinator.store.claim import claim
from worker.errors import Unavailable

DRAIN_S = 1.0
CHANNEL = [("grpc.so_reuseport", 0), ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000)]
# Callers send little: with a window that does not grow, who sends much takes turns with the others.
NARROW = ("grpc.http2.bdp_probe", 0)


class Server:
    """`start`, then `stop`; `address` and `worker_address` are HOST:PORT once started, `web_address` is the dashboard's URL
    or empty."""

    def __init__(self, settings: Settings, listen: Listen):
        self._settings, self._listen = settings, listen
        self._lock, self._web, self.web_address = -1, None, ""

    async def start(self) -> None:
        """Raises Unavailable when a port or the state folder is taken."""
        try:
            self._settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Unavailable(f"the state folder {self._settings.state} cannot be made: {error.strerror}") from None
        self._lock = claim(self._settings.state)
        try:
            self._app = App(self._settings, Local())
        except Unavailable:
            os.close(self._lock)
            raise
        trail, limits = Trail(self._app.database), self._settings.limits
        self._streams = Streams(limits.streams, limits.token_streams)
        guard = Guard(Gate(self._app.database, self._settings.require_token), trail, self._streams, self._app.traces)
        self._public = grpc.aio.server(interceptors=[guard], options=[*CHANNEL, NARROW, ("grpc.max_receive_message_length", limits.message_bytes)])
        self._private = grpc.aio.server(options=CHANNEL)
        self._health, services = _register(self._public, self._app, trail)
        self._gateway = Gateway(guard, services)
        worker_service_pb2_grpc.add_WorkerServiceServicer_to_server(Worker(self._app), self._private)
        try:
            self.address = self._listen.users(self._public)
            self.worker_address = self._listen.ranks(self._private)
        except Unavailable:
            await self._app.close()
            os.close(self._lock)
            raise
        await self._app.orphans.take_in()  # before they come themselves
        await self._private.start()
        self._app.supervisor.worker_address = self.worker_address
        await self._app.supervisor.start()
        self._app.housekeeping.start()
        await self._public.start()
        if self._listen.web_port is not None:
            await self.start_web(self._listen.web_port)
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    async def start_web(self, port: int) -> None:
        """Raises Unavailable when the port is taken, or what the dashboard needs is not installed; all else goes on."""
        try:
            from coordinator.web.server import Web
        except ImportError:
            raise Unavailable("the dashboard needs more than is installed: pip install 'bptrain[web]'") from None
        web = Web(self._gateway, self._app, dataclasses.replace(self._listen, web_port=port), self._settings.limits.message_bytes)
        await web.start()
        self._web, self.web_address = web, web.address

    async def first_token(self) -> str:
        """The secret of a new token for an administrator; empty when a token was made before."""
        return await self._app.database.write(issue.first)

    async def has_tokens(self) -> bool:
        return await self._app.database.read(tokens.exist)

    async def stop(self) -> None:
        self._app.changes.draining = True
        await self._health.enter_graceful_shutdown()
        self._streams.drain()
        if self._web:
            await self._web.stop()
        await asyncio.gather(self._public.stop(DRAIN_S), self._private.stop(DRAIN_S))
        await self._app.close()
        os.close(self._lock)


def _register(server: grpc.aio.Server, app: App, trail: Trail) -> tuple[health.aio.HealthServicer, dict[ServiceDescriptor, Any]]:
    """The services of the users' port: the one of health, and ours."""
    ours = {job_service_pb2: Jobs(app), metric_service_pb2: Metrics(app.metrics), log_service_pb2: Logs(app.logs),
            artifact_service_pb2: Artifacts(app.artifacts, app.removing), cluster_service_pb2: Cluster(app.cluster),
            predict_service_pb2: Predictions(app), admin_service_pb2: Admin(app.database, trail)}
    services = {descriptor: servicer for file, servicer in ours.items() for descriptor in file.DESCRIPTOR.services_by_name.values()}
    for descriptor, servicer in services.items():
        stubs = import_module(f"bptrain.v1.{Path(descriptor.file.name).stem}_pb2_grpc")
        getattr(stubs, f"add_{descriptor.name}Servicer_to_server")(servicer, server)
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    names = [descriptor.full_name for descriptor in (*services, health_pb2.DESCRIPTOR.services_by_name["Health"])]
    reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
    return servicer, services


def default_state() -> Path:
    """$XDG_STATE_HOME/bptrain, or ~/.local/state/bptrain."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "bptrain"


def available_cores() -> int:
    return len(os.sched_getaffinity(0))
