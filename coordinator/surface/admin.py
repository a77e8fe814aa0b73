"""Tokens, the audit trail, the store and its copies."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from bptrain.v1 import admin_service_pb2 as admin
from bptrain.v1.admin_service_pb2_grpc import AdminServiceStub
from coordinator.surface.asking import Asking, fresh_id


class Admin(Asking):
    """For tokens of scope `admin`. With `validate_only` a call is checked as if it were meant, and nothing is done."""

    @cached_property
    def _admin(self) -> AdminServiceStub:
        return AdminServiceStub(self._channel)

    def create_token(self, name: str, scope: int, lifetime_s: int, validate_only: bool = False) -> admin.CreateTokenResponse:
        """A new token; `.secret` is what its holder shows, and stands nowhere else."""
        request = admin.CreateTokenRequest(name=name, scope=scope, lifetime_s=lifetime_s, request_id=fresh_id(), validate_only=validate_only)
        return self._call(self._admin.CreateToken, request, lambda response: response)

    def tokens(self) -> Sequence[admin.Token]:
        """All that there are or were, oldest first."""
        return self._call(self._admin.ListTokens, admin.ListTokensRequest(), lambda response: response.tokens)

    def revoke_token(self, name: str, validate_only: bool = False) -> admin.Token:
        """Refused from the next call on."""
        request = admin.RevokeTokenRequest(name=name, request_id=fresh_id(), validate_only=validate_only)
        return self._call(self._admin.RevokeToken, request, lambda response: response.token)

    def create_backup(self, validate_only: bool = False) -> admin.Backup:
        """A copy of the coordinator's store, whole and on disk."""
        request = admin.CreateBackupRequest(request_id=fresh_id(), validate_only=validate_only)
        return self._call(self._admin.CreateBackup, request, lambda response: response.backup)

    def check_store(self) -> admin.CheckStoreResponse:
        """What is wrong with the store, and which copies there are."""
        return self._call(self._admin.CheckStore, admin.CheckStoreRequest(), lambda response: response)

    def audit(self) -> Iterator[admin.AuditRecord]:
        """Who changed what, newest first."""
        return self._pages(self._admin.ListAudit, admin.ListAuditRequest(), lambda page: page.records)
