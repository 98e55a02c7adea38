"""Settings of the gateway."""

from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from shared.runtime.service import ServiceSettings
from shared.runtime.settings import (
    Credential,
    HttpUrl,
    LanguageSettings,
    LiveKitSettings,
    ProfileSettings,
    RetentionSettings,
    WsUrl,
)

Simulated = Literal["livekit", "sarvam", "llm", "n8n"]


class GatewaySettings(
    ServiceSettings, LiveKitSettings, LanguageSettings, ProfileSettings, RetentionSettings
):
    web_port: int = Field(
        3000, ge=0, le=65535, description="port of the page and the API; 0 takes any free port"
    )
    livekit_public_url: WsUrl | None = Field(
        None,
        description="LiveKit server as browsers reach it, when that differs from LIVEKIT_URL",
    )
    gateway_api_key: Credential | None = Field(
        None,
        min_length=8,
        description="key of the private routes (Authorization: Bearer KEY); unset: they answer only"
        " while BIND_ADDRESS is loopback, and only to this machine",
    )
    n8n_inbound_token: Credential | None = Field(
        None,
        min_length=8,
        description="bearer token with which N8N says that a profile changed; unset: nobody may",
    )
    tokens_per_minute: int = Field(
        60,
        ge=1,
        description="calls that one address may open in any 60 seconds; beyond it answers 429",
    )
    token_ttl: int = Field(
        600,
        ge=60,
        le=3600,
        description="seconds that a call's token lives: LiveKit renews it every 5 minutes, so 10"
        " minutes outlive one lost renewal",
    )
    cors_origins: str = Field(
        "*",
        description="origins (comma-separated) of other sites' pages that may open calls and read"
        " the languages, always without cookies; * is any page, none is no page",
    )
    trusted_proxies: str = Field(
        "",
        description="addresses or networks (comma-separated) of reverse proxies whose"
        " X-Forwarded-For is believed; unset: nobody's, and limits count the peer's address",
    )
    simulated: Annotated[tuple[Simulated, ...], NoDecode] = Field(
        (),
        description="outside services that are stand-ins (livekit,sarvam,llm,n8n): the page says"
        " so; set by make run, unset in production",
    )
    caller_url: HttpUrl | None = Field(
        None,
        description="simulated caller of the sandbox, for the page's button; set by make run, unset"
        " in production",
    )

    @field_validator("simulated", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def allowed_origins(self) -> list[str]:
        """CORS_ORIGINS as a list; empty for `none`."""
        origins = [origin.strip() for origin in self.cors_origins.split(",")]
        return [] if origins == ["none"] else [origin.rstrip("/") for origin in origins if origin]

    @property
    def browser_livekit_url(self) -> str:
        """Where the browser's LiveKit client connects to."""
        return self.livekit_public_url or self.livekit_url

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.bind_address == "localhost":
            return True
        try:
            return ip_address(self.bind_address).is_loopback
        except ValueError:
            return False
