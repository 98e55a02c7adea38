"""Settings: from the environment and `.env`, each with its unit and reason.

A service's settings class inherits the parts that it needs. An empty value is an unset one, since
Coolify and compose pass empty strings. The tables in README.md and `.env.example` are generated
from these classes (`make docs`), so a description is written for the operator who reads it there.
"""

import sys
from typing import Annotated, NoReturn, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import SettingsError
from shared.locales.registry import LANGUAGES, is_language
from shared.runtime.log import LogFormat

# Exit code for a wrong or missing setting; anything else that ends a service is 1.
EXIT_SETTINGS = 2


class Settings(BaseSettings):
    """Base of every service's settings."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=False,
    )


def _scheme(*allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port  # a port that is none raises only when read
        except ValueError:
            raise ValueError("an address with a valid host and port") from None
        if parts.scheme not in allowed or not parts.netloc:
            raise ValueError(
                f"an address that begins with {' or '.join(f'{a}://' for a in allowed)}"
            )
        if not host:
            raise ValueError("an address with a host")
        return value.rstrip("/")

    return AfterValidator(check)


def _database(value: str) -> str:
    """Redis clients silently take database 0 for a path that is no number."""
    path = urlsplit(value).path.strip("/")
    if path and not (path.isascii() and path.isdigit()):
        raise ValueError("an address that ends with the number of a database, such as /0")
    return value


def _known_language(value: str) -> str:
    if not is_language(value):
        raise ValueError(f"one of {', '.join(LANGUAGES)}")
    return value


HttpUrl = Annotated[str, _scheme("http", "https")]
WsUrl = Annotated[str, _scheme("ws", "wss", "http", "https")]
RedisUrl = Annotated[str, _scheme("redis", "rediss"), AfterValidator(_database)]
WebhookPath = Annotated[str, Field(pattern=r"^/\S*$")]


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
    bind_address: str = Field(
        "127.0.0.1",
        description="address that a service's HTTP server listens on; images set 0.0.0.0",
    )


class LiveKitSettings(Settings):
    livekit_url: WsUrl = Field(
        description="LiveKit server as the services reach it, ws:// or wss://"
    )
    livekit_api_key: str = Field(min_length=1, description="LiveKit API key")
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
    n8n_auth_header: str | None = Field(
        None, description="name of the header that your N8N webhooks ask for (header auth)"
    )
    n8n_auth_value: SecretStr | None = Field(None, description="value of that header")

    @model_validator(mode="after")
    def _whole_auth(self) -> Self:
        """Half of it would send leads without the token, and N8N's 403 says little."""
        if self.n8n_auth_header and self.n8n_auth_value is None:
            raise ValueError("N8N_AUTH_VALUE: not set, expected: the value of N8N_AUTH_HEADER")
        if self.n8n_auth_value and self.n8n_auth_header is None:
            raise ValueError("N8N_AUTH_HEADER: not set, expected: the header of N8N_AUTH_VALUE")
        return self


class LanguageSettings(Settings):
    default_language: Annotated[str, AfterValidator(_known_language)] = Field(
        "hi-IN", description="language of a call when neither the request nor the profile names one"
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
        " in 0.1 s, so five are a dead N8N",
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


SettingsT = TypeVar("SettingsT", bound=Settings)


def load(cls: type[SettingsT]) -> SettingsT:
    """The settings, or one line per fault on stderr and exit code 2. Never shows a secret."""
    try:
        return cls()
    except ValidationError as error:
        refuse(*(_line(cls, fault) for fault in error.errors(include_url=False)))
    except SettingsError as error:
        refuse(error.message)
    except UnicodeDecodeError:
        refuse(".env: found bytes that are not UTF-8, expected a text file in UTF-8")


def refuse(*lines: str) -> NoReturn:
    """Ends the process because of a setting: the lines on stderr, exit code 2."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
    raise SystemExit(EXIT_SETTINGS)


def is_secret(cls: type[Settings], name: str) -> bool:
    """Whether the value of a setting must never be shown."""
    return "SecretStr" in str(cls.model_fields[name].annotation)


def redact(url: str) -> str:
    """The address without user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not match: keep only what follows the password
        return f"***@{url.rpartition('@')[2]}" if "@" in url else url
    if "@" not in parts.netloc:
        return f"***@{url.rpartition('@')[2]}" if "@" in url else url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"***@{host}", parts.path, parts.query, parts.fragment))


def _line(cls: type[Settings], fault: ErrorDetails) -> str:
    """`NAME: found X, expected Y` for one fault that pydantic found."""
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if name not in cls.model_fields:
        return fault["msg"].removeprefix("Value error, ")
    expected = cls.model_fields[name].description or fault["msg"]
    if fault["type"] == "missing":
        return f"{name.upper()}: not set, expected: {expected}"
    reason = _reason(fault)
    found = (
        "a value that is not shown" if is_secret(cls, name) else repr(redact(str(fault["input"])))
    )
    return f"{name.upper()}: found {found}, expected {reason}"


def _reason(fault: ErrorDetails) -> str:
    limits = fault.get("ctx", {})
    if fault["type"] in ("string_too_short", "too_short"):
        return f"{limits['min_length']} characters or more"
    if fault["type"] == "string_pattern_mismatch":
        return f"text that matches {limits['pattern']}"
    return fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
