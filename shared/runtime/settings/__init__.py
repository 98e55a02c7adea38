"""Settings: from the environment and `.env`, each with its unit and reason.

The tables in README.md, `.env.example` and docker-compose.yml are generated from these classes
(`make docs`), so a description is written for the operator who reads it there.
"""

from shared.runtime.settings.base import (
    EXIT_SETTINGS as EXIT_SETTINGS,
    Settings as Settings,
    load as load,
    redact as redact,
    refuse as refuse,
)
from shared.runtime.settings.parts import (
    HealthSettings as HealthSettings,
    LanguageSettings as LanguageSettings,
    LiveKitSettings as LiveKitSettings,
    LogSettings as LogSettings,
    N8NSettings as N8NSettings,
    ProfileSettings as ProfileSettings,
    RedisSettings as RedisSettings,
    RetentionSettings as RetentionSettings,
)
from shared.runtime.settings.types import (
    Credential as Credential,
    HttpUrl as HttpUrl,
    Key as Key,
    RedisUrl as RedisUrl,
    WebhookPath as WebhookPath,
    WsUrl as WsUrl,
)
