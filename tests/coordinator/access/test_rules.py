"""The table of scopes: every call that is served is in it, and nothing else."""

import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from bptrain.v1 import admin_service_pb2, artifact_service_pb2, cluster_service_pb2, job_service_pb2, log_service_pb2, metric_service_pb2, predict_service_pb2
from coordinator.access.rules import ADMIN, OPEN, READ, RULES, STRICTEST, SUBMIT, label, rule

SERVED = [f"/{service.full_name}/{method.name}"
          for file in (admin_service_pb2, artifact_service_pb2, cluster_service_pb2, job_service_pb2, log_service_pb2, metric_service_pb2, predict_service_pb2, health_pb2, reflection_pb2)
          for service in file.DESCRIPTOR.services_by_name.values() for method in service.methods]
LOOKING = ("Check", "Get", "List", "Query", "Watch", "Wait", "Read", "Export", "Download", "Render", "Predict", "Generate")


def test_every_call_that_is_served_has_a_rule_and_no_other():
    assert sorted(RULES) == sorted(SERVED)


@pytest.mark.parametrize("method", [method for method in SERVED if method.startswith("/bptrain")])
def test_what_changes_something_is_recorded_and_never_for_readers(method):
    looks = method.rpartition("/")[2].startswith(LOOKING)
    assert rule(method).recorded is not looks
    assert looks or rule(method).scope in (SUBMIT, ADMIN)


def test_a_call_that_somebody_forgot_is_for_administrators_and_recorded():
    assert rule("/bptrain.v1.JobService/EraseEverything") is STRICTEST


def test_only_the_question_whether_we_live_is_open():
    assert {method for method, needed in RULES.items() if needed is OPEN} == {
        f"/grpc.health.v1.Health/{name}" for name in ("Check", "Watch", "List")}


def test_scopes_include_those_before_them():
    assert [label(scope) for scope in sorted((ADMIN, READ, SUBMIT))] == ["read", "submit", "admin"]
