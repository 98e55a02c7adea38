"""Settings of the leads service: its own, and those that each destination brings."""

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated, Any, Self, cast

from pydantic import AfterValidator, Field, SecretStr, create_model, model_validator

from services.leads.delivery.policy import AckMode
from services.leads.destinations.registry import DESTINATIONS, AnyDestination
from shared.runtime.service import ServiceSettings
from shared.runtime.settings import HttpUrl, N8NSettings, RetentionSettings

WHSEC = "whsec_"


def split_secrets(secret: SecretStr | None) -> list[str]:
    """One secret or two, separated by a space or a comma, the newer one first."""
    return secret.get_secret_value().replace(",", " ").split() if secret else []


def _secrets(value: SecretStr) -> SecretStr:
    for secret in split_secrets(value) or [""]:  # "," alone: the posts would not be signed
        try:
            key = base64.b64decode(secret.removeprefix(WHSEC), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not secret.startswith(WHSEC) or len(key) < 16:
            raise ValueError("whsec_ and the base64 of 16 bytes or more, one or two of these")
    return value


Secrets = Annotated[SecretStr, AfterValidator(_secrets)]


class DeliverySettings(ServiceSettings, N8NSettings, RetentionSettings):
    lead_webhook_secret: Secrets | None = Field(
        None,
        description="secret of the Standard Webhooks signature, whsec_...; two, separated by a"
        " space, sign with both while a secret is changed; unset: not signed",
    )
    lead_ack: AckMode = Field(
        "auto",
        description="what a 2xx without our acknowledgement means: auto holds a workflow to it that"
        " has ever acknowledged, strict always tries again, lenient never does",
    )
    lead_timeout: float = Field(
        10.0, gt=0, le=120, description="seconds that N8N may take; it answers in 0.1 s"
    )
    lead_attempt_grace: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="seconds after the start of an attempt without a clear answer in which the same"
        " lead is not sent again, because n8n goes on working after we hung up",
    )
    lead_concurrency: int = Field(
        4, ge=1, le=64, description="posts in flight at once, per replica; n8n is slow beyond that"
    )
    lead_retry_hours: float = Field(
        72.0, gt=0, le=720, description="hours of trying again before a lead is a dead letter"
    )
    lead_retry_first: float = Field(
        1.0,
        gt=0,
        le=60,
        description="least seconds before the second attempt, at most twice that; doubles",
    )
    lead_retry_longest: float = Field(
        900.0, gt=0, le=7200, description="longest pause between attempts, seconds"
    )
    lead_breaker_failures: int = Field(
        5, ge=1, le=100, description="failures in a row after which N8N is only probed"
    )
    lead_max_bytes: int = Field(
        1_048_576,
        ge=4_096,
        le=16_000_000,
        description="longest body that is posted, bytes; n8n answers 500 over 16 MiB",
    )
    alert_webhook_url: HttpUrl | None = Field(
        None,
        description="address that is told (a JSON POST) of dead letters, of an N8N that is down and"
        " of refused credentials; unset: only the log and /readyz say so",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lead_attempt_grace < self.lead_timeout:
            raise ValueError(
                f"LEAD_ATTEMPT_GRACE: found {self.lead_attempt_grace}, expected LEAD_TIMEOUT"
                f" ({self.lead_timeout}) or more"
            )
        return self


def with_destinations(destinations: Iterable[AnyDestination]) -> type[DeliverySettings]:
    """DeliverySettings with the settings of these destinations."""
    brought = [each.settings for each in destinations]
    bases = cast("Any", (DeliverySettings, *reversed(brought)))  # fields of the last come first
    made = create_model("LeadsSettings", __base__=bases, __module__=__name__)
    return cast("type[DeliverySettings]", made)


# What `python -m services.leads` reads. Code that needs a type says DeliverySettings.
LeadsSettings = with_destinations(DESTINATIONS)
