"""The leads service: carries leads, and reports of calls, to N8N."""

from services.leads.service import LeadsService
from services.leads.settings import DeliverySettings, LeadsSettings
from shared.runtime.service import ServiceContext, run


def main() -> None:
    run("leads", LeadsSettings, serve)


async def serve(context: ServiceContext[DeliverySettings]) -> None:
    await LeadsService(context.redis, context.settings, context.health).run(context.stop)
