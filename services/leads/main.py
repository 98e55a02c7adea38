"""The leads service: carries leads, and reports of calls, to N8N."""

from services.leads.service import LeadsService
from services.leads.settings import LeadsSettings
from shared.runtime.service import Shell, run


async def serve(shell: Shell[LeadsSettings]) -> None:
    service = LeadsService(shell.redis, shell.settings, shell.health)
    await service.run(shell.stop)


def main() -> None:
    run("leads", LeadsSettings, serve)
