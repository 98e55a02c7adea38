"""Leads for operators: what was captured, how it was delivered, and sending it again. Private."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.gateway.gateway import OPERATOR, GatewayDep

router = APIRouter(tags=["leads"], prefix="/api/v1/leads", dependencies=[OPERATOR])


@router.get("")
async def leads(
    gateway: GatewayDep, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> dict[str, list[dict[str, Any]]]:
    """The newest leads first."""
    return {"leads": [lead.data() for lead in await gateway.leads.latest(limit)]}
