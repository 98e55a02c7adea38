"""Leads for operators: what was captured, how it was delivered, and sending it again. Private."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.gateway.dependencies import OPERATOR, Gateway, GatewayDep
from shared.clock import from_ms
from shared.deliveries import LEAD_CAPTURE, Delivery, DeliveryState
from shared.errors import NotFound
from shared.ids import is_uuid
from shared.leads import Lead

router = APIRouter(tags=["leads"], prefix="/api/v1/leads", dependencies=[OPERATOR])


class AttemptSummary(BaseModel):
    """One post to N8N. `status` is None when no answer came; `answer` is its beginning."""

    revision: int
    at: str
    duration_ms: int | None
    status: int | None
    outcome: str
    why: str
    answer: str


class DeliverySummary(BaseModel):
    """How far the newest revision is; `next_at` is when it is due, RFC 3339 in UTC."""

    state: DeliveryState
    revision: int
    tries: int
    next_at: str | None
    status: int | None
    answer: str
    attempts: list[AttemptSummary]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliverySummary":
        attempts = [
            AttemptSummary(
                at=from_ms(attempt.at_ms), **attempt.model_dump(exclude={"at_ms", "attempt"})
            )
            for attempt in delivery.attempts
        ]
        last = attempts[-1] if attempts else None
        return cls(
            state=delivery.state,
            revision=delivery.revision,
            tries=delivery.tries,
            next_at=from_ms(delivery.next_ms) if delivery.next_ms else None,
            status=last.status if last else None,
            answer=(last.answer or last.why) if last else "",
            attempts=attempts,
        )


class LeadsAnswer(BaseModel):
    """Each lead as N8N gets it, with its `delivery` (None: nothing was to be sent yet)."""

    leads: list[dict[str, Any]]


class ReplayAnswer(BaseModel):
    """`replayed` is False when there was nothing to do: delivered, or about to be sent."""

    lead_id: str
    replayed: bool


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
        found = await _in_state(gateway, state, limit)
    return LeadsAnswer(leads=[await _with_delivery(gateway, lead) for lead in found])


@router.get("/{lead_id}")
async def lead(lead_id: str, gateway: GatewayDep) -> dict[str, Any]:
    """One lead with every attempt to deliver it."""
    return await _with_delivery(gateway, await _known(gateway, lead_id))


@router.post("/{lead_id}/replay")
async def replay(lead_id: str, gateway: GatewayDep) -> ReplayAnswer:
    """Sends a lead again, under the same key, so that N8N counts it once all the same."""
    await _known(gateway, lead_id)
    replayed = await gateway.deliveries.replay(LEAD_CAPTURE, lead_id)
    return ReplayAnswer(lead_id=lead_id, replayed=replayed)


async def _known(gateway: Gateway, lead_id: str) -> Lead:
    if not is_uuid(lead_id):
        raise NotFound(f"no lead {lead_id!r}", code="unknown_lead")
    return await gateway.leads.get(lead_id)


async def _in_state(gateway: Gateway, state: DeliveryState, limit: int) -> list[Lead]:
    found = []
    for delivery in await gateway.deliveries.list(LEAD_CAPTURE, state=state, limit=limit):
        try:
            found.append(await gateway.leads.get(delivery.subject))
        except NotFound:
            continue  # its retention is over
    return found


async def _with_delivery(gateway: Gateway, lead: Lead) -> dict[str, Any]:
    lead_id = lead.context.lead_id
    try:
        delivery = DeliverySummary.of(await gateway.deliveries.get(LEAD_CAPTURE, lead_id))
    except NotFound:
        return {**lead.data(), "delivery": None}
    return {**lead.data(), "delivery": delivery.model_dump()}
