"""The settings that several services read. A service's own class inherits the parts it needs."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from shared.locales.registry import DEFAULT_LANGUAGE
from shared.runtime.log import LogFormat
from shared.runtime.settings.base import Settings
from shared.runtime.settings.types import (
    HeaderName,
    HeaderValue,
    HttpUrl,
    Key,
    LanguageCode,
    ListenAddress,
    RedisUrl,
    WsUrl,
)


class LogSettings(Settings):
    log_level: Annotated[str, Field(pattern="^(TRACE|DEBUG|INFO|WARNING|ERROR)$")] = Field(
        "INFO", description="TRACE, DEBUG, INFO, WARNING or ERROR"
    )
    log_format: LogFormat = Field(
        "text", description="text for people, json (an object a line) for log collectors"
    )


class RedisSettings(Settings):
    redis_url: RedisUrl = Field(
        description="Redis 7.0 or newer, or Valkey: redis://[:password@]host:6379/0 (rediss:// for"
        " TLS); it wants appendonly yes and appendfsync always, or a power cut can lose leads"
    )


class HealthSettings(Settings):
    health_port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="port of /healthz, /readyz and /metrics of config, agent and leads (the gateway"
        " answers them on its own port); 0 takes any free port",
    )
    bind_address: ListenAddress = Field(
        "127.0.0.1",
        description="address that a service's HTTP server listens on; images set 0.0.0.0",
    )


class LiveKitSettings(Settings):
    livekit_url: WsUrl = Field(
        description="LiveKit server as the services reach it, ws:// or wss://"
    )
    livekit_api_key: Key = Field(min_length=1, description="LiveKit API key")
    # Signs tokens and is never sent itself: it may hold anything.
    livekit_api_secret: SecretStr = Field(
        min_length=1, description="LiveKit API secret (32 characters or more)"
    )
    agent_name: str = Field(
        "bolchaal",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="name under which the agent's workers register for dispatch; change it when"
        " several installations share one LiveKit project",
    )


class N8NSettings(Settings):
    n8n_base_url: HttpUrl | None = Field(
        None, description="N8N, e.g. https://n8n.example.com; unset: profiles come from files"
    )
    n8n_auth_header: HeaderName | None = Field(
        None, description="name of the header that your N8N webhooks ask for (header auth)"
    )
    n8n_auth_value: HeaderValue | None = Field(None, description="value of that header")

    @property
    def n8n_auth(self) -> tuple[str, str] | None:
        """The header that N8N asks for, name and value."""
        if self.n8n_auth_header is None or self.n8n_auth_value is None:
            return None
        return self.n8n_auth_header, self.n8n_auth_value.get_secret_value()

    @model_validator(mode="after")
    def _whole_auth(self) -> Self:
        """Half of it would send leads without the token, and N8N's 403 says little."""
        if self.n8n_auth_header and self.n8n_auth_value is None:
            raise ValueError("N8N_AUTH_VALUE: not set, expected: the value of N8N_AUTH_HEADER")
        if self.n8n_auth_value and self.n8n_auth_header is None:
            raise ValueError("N8N_AUTH_HEADER: not set, expected: the header of N8N_AUTH_VALUE")
        return self


class LanguageSettings(Settings):
    default_language: LanguageCode = Field(
        DEFAULT_LANGUAGE,
        description="language of a call when neither the request nor the profile names one",
    )
    default_voice: str | None = Field(
        None, description="voice of a call when neither the request nor the profile names one"
    )
    sarvam_tts_model: str = Field(
        "bulbul:v3", description="Sarvam text-to-speech model; decides which voices there are"
    )


class ProfileSettings(Settings):
    config_timeout: float = Field(
        5.0,
        gt=0,
        le=60,
        description="seconds that a reader waits for a profile that is being fetched; N8N answers"
        " in 0.1 s; after this it counts as down",
    )


class RetentionSettings(Settings):
    keep_days: int = Field(
        365,
        ge=1,
        le=3650,
        description="days that calls, leads and the history of their delivery are kept",
    )
    keep_log_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="days that a call's log is kept: what both sides said, word by word",
    )
