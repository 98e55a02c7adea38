"""From the settings to the parts of a delivery; for the service and for `leads test`."""

import httpx

from services.leads.delivery.attempt import BEGIN_WITHIN_S
from services.leads.delivery.breaker import BreakerPolicy
from services.leads.delivery.client import CONNECT_S, WebhookClient
from services.leads.delivery.policy import DeliveryPolicy
from services.leads.destinations.registry import AnyDestination
from services.leads.settings import DeliverySettings, split_secrets
from shared.backoff import Backoff

# Between one and two times the doubling floor: all leads of an outage do not come back at once.
JITTER = (1.0, 2.0)


def backoff(settings: DeliverySettings) -> Backoff:
    """The pauses between attempts at one delivery."""
    return Backoff(settings.lead_retry_first, settings.lead_retry_longest, JITTER)


def delivery_policy(
    destination: AnyDestination, settings: DeliverySettings
) -> DeliveryPolicy | None:
    """How the destination is treated. None: its webhook is not set, so that it is not used."""
    path: str | None = getattr(settings, destination.setting())
    if path is None:
        return None
    return DeliveryPolicy(
        name=destination.name,
        address=f"{settings.n8n_base_url or ''}{path}",
        credentials=_credentials(settings),
        ack=settings.lead_ack,
        grace=settings.lead_attempt_grace,
        head_start=min(CONNECT_S, settings.lead_timeout) + BEGIN_WITHIN_S + 0.1,
        breaker=BreakerPolicy(
            threshold=settings.lead_breaker_failures,
            pause_first=settings.lead_retry_first,
            pause_longest=min(60.0, settings.lead_retry_longest),
            park=settings.lead_retry_longest,
        ),
        budget=settings.lead_retry_hours * 3600,
        keep_days=settings.keep_days,
        content=destination.content,
    )


def webhook_client(
    http: httpx.AsyncClient, policy: DeliveryPolicy, settings: DeliverySettings
) -> WebhookClient:
    """The destination's webhook, with the settings' secrets and header."""
    return WebhookClient(
        http,
        policy.address,
        secrets=split_secrets(settings.lead_webhook_secret),
        auth=settings.n8n_auth,
        timeout=settings.lead_timeout,
    )


def _credentials(settings: DeliverySettings) -> str:
    """As its digest has always been made: another one would be taken for other credentials."""
    value = settings.n8n_auth_value
    return f"{settings.n8n_auth_header} {value.get_secret_value() if value else ''}"
