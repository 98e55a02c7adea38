"""Leads in the API: bodies of answers. Times are RFC 3339 in UTC."""

from pydantic import BaseModel

from shared.clock import from_ms
from shared.deliveries import Delivery, DeliveryState
from shared.leads import Lead
from shared.webhook_payloads import LeadData


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


class LeadDetails(LeadData):
    """A lead as N8N gets it, with its `delivery` (None: nothing was to be sent yet)."""

    delivery: DeliverySummary | None

    @classmethod
    def of(cls, lead: Lead, delivery: Delivery | None) -> "LeadDetails":
        return cls(
            **lead.webhook_data().model_dump(),
            delivery=DeliverySummary.of(delivery) if delivery else None,
        )


class LeadsAnswer(BaseModel):
    leads: list[LeadDetails]


class ReplayAnswer(BaseModel):
    """`replayed` is False when there was nothing to do: delivered, or about to be sent."""

    lead_id: str
    replayed: bool
