"""What each call needs, as a table: method → scope, and whether the audit trail has it.

1. A scope includes those before it: read, submit, admin.
2. What is not in the table needs admin, so that a call that somebody forgot is closed.
"""

from dataclasses import dataclass

from bptrain.v1.admin_service_pb2 import Scope

READ, SUBMIT, ADMIN = Scope.SCOPE_READ, Scope.SCOPE_SUBMIT, Scope.SCOPE_ADMIN
NAMES = {"read": READ, "submit": SUBMIT, "admin": ADMIN}


@dataclass(frozen=True)
class Rule:
    """`scope`: None lets everybody in. `recorded`: the call changes something."""

    scope: int | None
    recorded: bool = False


OPEN = Rule(None)  # for those who only want to know whether we live
LOOK = Rule(READ)
CHANGE = Rule(SUBMIT, recorded=True)
STRICTEST = Rule(ADMIN, recorded=True)

RULES = {
    "/bptrain.v1.JobService/SubmitJob": CHANGE,
    "/bptrain.v1.JobService/GetJob": LOOK,
    "/bptrain.v1.JobService/ListJobs": LOOK,
    "/bptrain.v1.JobService/CancelJob": CHANGE,
    "/bptrain.v1.JobService/ResizeJob": CHANGE,
    "/bptrain.v1.JobService/UpdateJob": CHANGE,
    "/bptrain.v1.JobService/PauseJob": CHANGE,
    "/bptrain.v1.JobService/ResumeJob": CHANGE,
    "/bptrain.v1.JobService/RetryJob": CHANGE,
    "/bptrain.v1.JobService/ForkJob": CHANGE,
    "/bptrain.v1.JobService/DeleteJob": CHANGE,
    "/bptrain.v1.JobService/UndeleteJob": CHANGE,
    "/bptrain.v1.JobService/WaitJob": LOOK,
    "/bptrain.v1.JobService/WatchJobs": LOOK,
    "/bptrain.v1.MetricService/ListSeries": LOOK,
    "/bptrain.v1.MetricService/QueryMetrics": LOOK,
    "/bptrain.v1.MetricService/ExportMetrics": LOOK,
    "/bptrain.v1.MetricService/WatchMetrics": LOOK,
    "/bptrain.v1.LogService/ReadLogs": LOOK,
    "/bptrain.v1.LogService/WatchLogs": LOOK,
    "/bptrain.v1.ArtifactService/ListArtifacts": LOOK,
    "/bptrain.v1.ArtifactService/GetArtifact": LOOK,
    "/bptrain.v1.ArtifactService/DownloadArtifact": LOOK,
    "/bptrain.v1.ArtifactService/DeleteArtifact": CHANGE,
    "/bptrain.v1.PredictService/Predict": Rule(SUBMIT),  # it reads data
    "/bptrain.v1.PredictService/Generate": Rule(SUBMIT),  # it works for long
    "/bptrain.v1.ClusterService/GetServerInfo": LOOK,
    "/bptrain.v1.ClusterService/GetQueue": LOOK,
    "/bptrain.v1.ClusterService/RenderLaunch": LOOK,
    "/bptrain.v1.AdminService/CreateToken": STRICTEST,
    "/bptrain.v1.AdminService/ListTokens": Rule(ADMIN),
    "/bptrain.v1.AdminService/RevokeToken": STRICTEST,
    "/bptrain.v1.AdminService/ListAudit": Rule(ADMIN),
    "/bptrain.v1.AdminService/CreateBackup": STRICTEST,
    "/bptrain.v1.AdminService/CheckStore": Rule(ADMIN),
    "/grpc.health.v1.Health/Check": OPEN,
    "/grpc.health.v1.Health/Watch": OPEN,
    "/grpc.health.v1.Health/List": OPEN,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": LOOK,
}


def rule(method: str) -> Rule:
    return RULES.get(method, STRICTEST)


def label(scope: int) -> str:
    """`admin`, as people write it."""
    return Scope.Name(scope).removeprefix("SCOPE_").lower()
