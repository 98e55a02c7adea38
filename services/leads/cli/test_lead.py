"""A test lead, straight to N8N: for whoever sets a workflow up."""

from dataclasses import dataclass

from services.leads.delivery import client as destination
from services.leads.delivery.response_policy import Answer, Backoff, Verdict, judge
from services.leads.destinations.payload import encode
from services.leads.service import rules, webhook
from services.leads.settings import LeadsSettings
from shared.clock import SYSTEM_CLOCK, Clock, isoformat
from shared.deliveries import LEAD_CAPTURE
from shared.errors import SettingsError
from shared.ids import uuid7
from shared.locales.registry import DEFAULT_LANGUAGE
from shared.webhook_payloads import LeadCaptured, LeadData


@dataclass(frozen=True, slots=True)
class Trial:
    url: str
    answer: Answer
    verdict: Verdict


async def post_trial(settings: LeadsSettings, *, clock: Clock = SYSTEM_CLOCK) -> Trial:
    """Posts one made-up lead, signed like a real one and marked `"test": true`.

    Raises SettingsError without N8N_BASE_URL.
    """
    if settings.n8n_base_url is None:
        raise SettingsError("N8N_BASE_URL: not set, expected: the N8N to send a test lead to")
    url = rules(settings, LEAD_CAPTURE).address
    lead_id, now = uuid7(), isoformat(clock.now())
    lead = LeadData(
        lead_id=lead_id,
        revision=1,
        complete=True,
        test=True,
        account="default",
        call_id=uuid7(),
        room="test",
        channel="test",
        caller=None,
        agent_id="default",
        profile_version="test",
        language=DEFAULT_LANGUAGE,
        name="Test Lead",
        phone="+919999999999",
        email=None,
        fields={},
        extra={},
        sources={"name": "typed", "phone": "typed"},
        captured_at=now,
    )
    body = encode(LeadCaptured(timestamp=now, data=lead).model_dump())
    async with destination.client(1, settings.lead_timeout) as client:
        answer = await webhook(client, settings, url).post(f"{lead_id}.1", body)
    return Trial(url, answer, judge(answer, 1, Backoff()))
