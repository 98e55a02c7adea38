"""Leads for operators: what was captured, how it was delivered, and sending it again. Private."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.gateway.dependencies import OPERATOR, Gateway, GatewayDep
from services.gateway.ids import LeadId
from services.gateway.leads.schemas import LeadDetails, LeadsAnswer, ReplayAnswer
from shared.deliveries import LEAD_CAPTURE, DeliveryState
from shared.leads import Lead

router = APIRouter(tags=["leads"], prefix="/api/v1/leads", dependencies=[OPERATOR])


@router.get("")
async def leads(
    gateway: GatewayDep,
    state: DeliveryState | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> LeadsAnswer:
    """The newest leads first; with `?state=dead` those that N8N never took."""
    if state is None:
        found = await gateway.leads.latest(limit)
    else:
        chosen = await gateway.deliveries.latest(LEAD_CAPTURE, state=state, limit=limit)
        found = await gateway.leads.many([delivery.subject for delivery in chosen])
    return LeadsAnswer(leads=await _details(gateway, found))


@router.get("/{lead_id}")
async def lead(lead_id: LeadId, gateway: GatewayDep) -> LeadDetails:
    """One lead with every attempt to deliver it."""
    (found,) = await _details(gateway, [await gateway.leads.get(lead_id)])
    return found


@router.post("/{lead_id}/replay")
async def replay(lead_id: LeadId, gateway: GatewayDep) -> ReplayAnswer:
    """Sends a lead again, under the same key, so that N8N counts it once all the same."""
    await gateway.leads.get(lead_id)
    replayed = await gateway.deliveries.replay(LEAD_CAPTURE, lead_id)
    return ReplayAnswer(lead_id=lead_id, replayed=replayed)


async def _details(gateway: Gateway, leads: list[Lead]) -> list[LeadDetails]:
    """Leads with every attempt to deliver them."""
    ids = [lead.context.lead_id for lead in leads]
    found = await gateway.deliveries.many(LEAD_CAPTURE, ids, attempts=True)
    deliveries = {delivery.subject: delivery for delivery in found}
    return [LeadDetails.of(lead, deliveries.get(lead.context.lead_id)) for lead in leads]
