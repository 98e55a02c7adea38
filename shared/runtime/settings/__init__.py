"""Settings: from the environment and `.env`, each with its unit and reason.

The tables in README.md, `.env.example` and docker-compose.yml are generated from these classes
(`make docs`), so a description is written for the operator who reads it there.
"""

from shared.runtime.settings.base import EXIT_SETTINGS, Settings, is_secret, load, redact, refuse
from shared.runtime.settings.parts import (
    HealthSettings,
    LanguageSettings,
    LiveKitSettings,
    LogSettings,
    N8NSettings,
    ProfileSettings,
    RedisSettings,
    RetentionSettings,
)
from shared.runtime.settings.types import (
    Credential,
    HeaderName,
    HeaderValue,
    HttpUrl,
    Key,
    LanguageCode,
    ListenAddress,
    RedisUrl,
    WebhookPath,
    WsUrl,
)

__all__ = [
    "EXIT_SETTINGS",
    "Credential",
    "HeaderName",
    "HeaderValue",
    "HealthSettings",
    "HttpUrl",
    "Key",
    "LanguageCode",
    "LanguageSettings",
    "ListenAddress",
    "LiveKitSettings",
    "LogSettings",
    "N8NSettings",
    "ProfileSettings",
    "RedisSettings",
    "RedisUrl",
    "RetentionSettings",
    "Settings",
    "WebhookPath",
    "WsUrl",
    "is_secret",
    "load",
    "redact",
    "refuse",
]
