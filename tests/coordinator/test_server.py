"""The coordinator's process: ports, the claim on its folder, health and reflection."""

import re
import socket
import threading

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from coordinator.app import Settings
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.ports import Listen
from coordinator.server import available_cores, default_state
from worker.errors import Unavailable

SERVICES = ["bptrain.v1.AdminService", "bptrain.v1.ArtifactService", "bptrain.v1.ClusterService", "bptrain.v1.JobService",
            "bptrain.v1.LogService", "bptrain.v1.MetricService", "bptrain.v1.PredictService", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"]


@pytest.fixture
def settings(tmp_path, data_root):
    return Settings(tmp_path / "deep" / "state", data_root, slots=1)


@pytest.fixture
def channel(shared):
    server, _, _ = shared
    with grpc.insecure_channel(server.address) as opened:
        yield opened


def port(address):
    return int(address.rpartition(":")[2])


def test_health_says_serving(channel):
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_services_of_users_and_not_that_of_the_ranks(channel):
    assert sorted(ProtoReflectionDescriptorDatabase(channel).get_services()) == SERVICES


def test_reflection_describes_every_call(channel):
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    methods = pool.FindServiceByName("bptrain.v1.JobService").methods_by_name
    assert sorted(methods) == [
        "CancelJob", "DeleteJob", "ForkJob", "GetJob", "ListJobs", "PauseJob", "ResizeJob", "ResumeJob", "RetryJob", "SubmitJob",
        "UndeleteJob", "UpdateJob", "WaitJob", "WatchJobs"]
    assert "logical_shards" in pool.FindMessageTypeByName("bptrain.v1.JobSpec").fields_by_name


def test_port_zero_takes_free_ports_on_the_loopback_interface(settings):
    with embedded(settings) as server:
        assert server.address.startswith("127.0.0.1:") and server.worker_address.startswith("127.0.0.1:")
        assert 0 not in {port(server.address), port(server.worker_address)}
        assert server.address != server.worker_address


def test_the_ranks_port_is_not_for_users_and_the_users_port_not_for_ranks(shared):
    server, _, _ = shared
    with Client(server.worker_address) as client, pytest.raises(Unavailable, match="answered UNIMPLEMENTED: Method not found!$"):
        client.get("any")


def test_the_state_folder_is_made_for_its_owner_alone(settings):
    with embedded(settings):
        assert settings.state.stat().st_mode & 0o777 == 0o700


def test_a_second_coordinator_on_the_same_folder_is_refused(settings):
    taken = f"^the state folder {re.escape(str(settings.state))} is in use by another coordinator$"
    with embedded(settings), pytest.raises(Unavailable, match=taken), embedded(settings):
        pass


def test_a_folder_is_free_again_once_its_coordinator_has_left(settings):
    for _ in range(2):
        with embedded(settings) as server, Client(server.address) as client:
            assert list(client.list()) == []


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("which", ["users' port", "ranks' port"])
def test_a_port_in_use_is_refused_and_nothing_stays_claimed(settings, taken, which):
    ports = (taken, 0) if which == "users' port" else (0, taken)
    with pytest.raises(Unavailable, match=f"^cannot listen on 127.0.0.1:{taken}: Address already in use; choose another port$"):
        with embedded(settings, Listen("127.0.0.1", *ports)):
            pass
    with embedded(settings):
        pass


def test_a_store_that_cannot_be_read_is_refused_and_nothing_stays_claimed(settings):
    settings.state.mkdir(parents=True)
    store = settings.state / "store.db"
    store.write_bytes(b"no database" * 200)
    with pytest.raises(Unavailable, match="cannot be opened: file is not a database; and there is no backup of it$"), embedded(settings):
        pass
    store.unlink()
    with embedded(settings):
        pass


def test_an_embedded_coordinator_leaves_no_thread_and_no_open_port(settings):
    before = {thread.name for thread in threading.enumerate()}
    with embedded(settings) as server, Client(server.address) as client:
        list(client.list())
    assert {thread.name for thread in threading.enumerate() if not thread.daemon} <= before
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port(server.address)), timeout=30):
        pass


@pytest.mark.parametrize(("variable", "folder"), [("/var/lib/x", "/var/lib/x/bptrain"), ("", None)])
def test_the_default_state_folder_follows_xdg(monkeypatch, tmp_path, variable, folder):
    monkeypatch.setenv("XDG_STATE_HOME", variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(default_state()) == (folder or str(tmp_path / ".local" / "state" / "bptrain"))


def test_there_is_at_least_one_core():
    assert available_cores() >= 1
