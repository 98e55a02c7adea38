"""lead-capture: each revision of a lead that is complete, or the last one of its call."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from services.leads.delivery.model import ClaimedAttempt
from services.leads.destinations.base import Destination, DestinationSettings, Wanted
from shared.deliveries import LEAD_CAPTURE
from shared.events import LeadChanged
from shared.leads import Lead
from shared.redis import keys
from shared.runtime.settings import WebhookPath
from shared.webhook_payloads import LeadCaptured, LeadData

# Lengths to which texts are cut, one after the other, until a lead fits.
CUTS = (16_384, 4_096, 1_024, 256)


class LeadCaptureSettings(DestinationSettings):
    n8n_webhook_lead_capture: WebhookPath = Field(
        "/webhook/lead-capture", description="path of the N8N webhook that takes leads"
    )


class LeadCapture(Destination[LeadChanged, LeadCaptured]):
    name = LEAD_CAPTURE
    event = LeadChanged
    settings = LeadCaptureSettings
    content = keys.lead("%s")
    reason_suffix = ""

    def wanted(self, event: LeadChanged) -> Wanted | None:
        return Wanted(event.lead_id, event.revision, event.call_id) if event.postable else None

    async def payload(self, claimed: ClaimedAttempt) -> LeadCaptured:
        lead = Lead.from_hash(claimed.content)
        return LeadCaptured(timestamp=claimed.captured_at, data=lead.webhook_data())

    def shortened(self, payload: LeadCaptured) -> Iterator[LeadCaptured]:
        """Long texts are cut, and `truncated` says so."""
        for cut in CUTS:
            data = {**_cut(payload.data.model_dump(), cut), "truncated": True}
            yield payload.model_copy(update={"data": LeadData.model_validate(data)})


DESTINATION = LeadCapture


def _cut(value: Any, length: int) -> Any:
    """The same JSON with no text longer than `length`."""
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, dict):
        return {name: _cut(each, length) for name, each in value.items()}
    if isinstance(value, list):
        return [_cut(each, length) for each in value]
    return value
