"""AdminService."""

from bptrain.v1 import admin_service_pb2 as pb
from bptrain.v1.admin_service_pb2_grpc import AdminServiceServicer
from coordinator.access import issue
from coordinator.access.trail import Trail
from coordinator.services.translate import translated
from coordinator.store import requests, tokens
from coordinator.store.database import Database


class Admin(AdminServiceServicer):
    def __init__(self, database: Database, trail: Trail):
        self._database, self._trail = database, trail

    @translated
    async def CreateToken(self, request, context):
        if request.validate_only:
            token = await self._database.read(lambda connection: issue.checked(connection, request.name, request.scope, request.lifetime_s))
            return pb.CreateTokenResponse(token=token)
        return await self._database.write(lambda connection: issue.created(connection, request))

    @translated
    async def ListTokens(self, request, context):
        return pb.ListTokensResponse(tokens=await self._database.read(tokens.everyone))

    @translated
    async def RevokeToken(self, request, context):
        if request.validate_only:
            return pb.RevokeTokenResponse(token=await self._database.read(lambda connection: issue.revocable(connection, request.name)))
        return await self._database.write(lambda connection: issue.revoked(connection, request))

    @translated
    async def ListAudit(self, request, context):
        records, token = await self._trail.page(request.page_size, request.page_token)
        return pb.ListAuditResponse(records=records, next_page_token=token)

    @translated
    async def CreateBackup(self, request, context):
        if request.validate_only:
            return pb.CreateBackupResponse(backup=pb.Backup(size_bytes=await self._database.backup_bytes()))
        backup = await self._database.read(lambda connection: requests.first_answer(connection, request, pb.Backup))
        if backup is None:
            backup = await self._database.backup()
            await self._database.write(lambda connection: requests.remember(connection, request, backup, backup.name))
        return pb.CreateBackupResponse(backup=backup)

    @translated
    async def CheckStore(self, request, context):
        problems, backups = await self._database.check()
        return pb.CheckStoreResponse(problems=problems, backups=backups)
