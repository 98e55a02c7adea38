"""Everything the agent is told from outside."""

from services.agent.settings.conversation import ConversationSettings
from services.agent.settings.llm import LlmSettings
from services.agent.settings.sarvam import SarvamSettings
from services.agent.settings.worker import WorkerSettings
from shared.settings import (
    HealthSettings,
    LanguageSettings,
    LiveKitSettings,
    LogSettings,
    RedisSettings,
)


class AgentSettings(
    WorkerSettings,
    ConversationSettings,
    SarvamSettings,
    LlmSettings,
    LanguageSettings,
    LiveKitSettings,
    RedisSettings,
    HealthSettings,
    LogSettings,
):
    pass
