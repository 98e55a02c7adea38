"""bolchaal leads test: a test lead, straight to N8N, for whoever sets a workflow up."""

from typing import NamedTuple

import typer

from services.leads.cli.command import out, run
from services.leads.cli.options import COLOURS
from services.leads.delivery.client import open_http
from services.leads.delivery.response_policy import Answer, Decision, decide
from services.leads.destinations.base import encode
from services.leads.destinations.lead_capture import LeadCapture
from services.leads.settings import DeliverySettings, LeadsSettings
from services.leads.setup import backoff, delivery_policy, webhook_client
from shared.clock import SYSTEM_CLOCK, Clock, isoformat
from shared.errors import SettingsError
from shared.ids import uuid7
from shared.locales.registry import DEFAULT_LANGUAGE
from shared.runtime.settings import load
from shared.webhook_payloads import LeadCaptured, LeadData


class PostedLead(NamedTuple):
    url: str
    answer: Answer
    decision: Decision


def test() -> None:
    """Sends one test lead straight to N8N, and shows the answer and what it means."""
    run(_test())


async def _test() -> None:
    url, answer, decision = await post_test_lead(load(LeadsSettings))
    out.print(f"POST {url}")
    out.print(f"answer: {answer.status or answer.failure} {answer.text[:500]}")
    colour = COLOURS.get(decision.outcome, "red")
    out.print(f"that is: [{colour}]{decision.outcome}[/] {decision.reason}")
    if decision.outcome not in ("acknowledged", "unconfirmed"):
        raise typer.Exit(1)


async def post_test_lead(settings: DeliverySettings, *, clock: Clock = SYSTEM_CLOCK) -> PostedLead:
    """Posts one made-up lead, signed like a real one and marked `"test": true`.

    Raises SettingsError without N8N_BASE_URL.
    """
    policy = delivery_policy(LeadCapture, settings)
    if settings.n8n_base_url is None or policy is None:
        raise SettingsError("N8N_BASE_URL: not set, expected: the N8N to send a test lead to")
    lead = made_up_lead(isoformat(clock.now()))
    async with open_http(1, settings.lead_timeout) as http:
        client = webhook_client(http, policy, settings)
        answer = await client.post(f"{lead.data.lead_id}.1", encode(lead))
    return PostedLead(policy.address, answer, decide(answer, 1, backoff(settings)))


def made_up_lead(now: str) -> LeadCaptured:
    """A lead as a workflow gets it. `now`: RFC 3339."""
    return LeadCaptured(
        timestamp=now,
        data=LeadData(
            lead_id=uuid7(),
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
        ),
    )
