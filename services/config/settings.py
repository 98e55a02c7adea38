"""Settings of the config service."""

from pathlib import Path

from pydantic import Field

from shared.runtime.service import ServiceSettings
from shared.runtime.settings import N8NSettings, ProfileSettings, WebhookPath


class ConfigSettings(ProfileSettings, N8NSettings, ServiceSettings):
    n8n_webhook_agent_config: WebhookPath = Field(
        "/webhook/agent-config", description="path of the N8N webhook that answers with a profile"
    )
    config_ttl: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="seconds for which a fetched profile is used without asking N8N; after that it"
        " is still used, and fetched anew behind the caller's back",
    )
    profiles_dir: Path | None = Field(
        None,
        description="folder of ID.json: profiles for when there is no N8N, and for agents that N8N"
        " never gave",
    )
