"""Everything the agent is told from outside."""

from services.agent.settings.conversation import ConversationSettings
from services.agent.settings.llm import LlmSettings
from services.agent.settings.sarvam import SarvamSettings
from services.agent.settings.worker import WorkerSettings
from shared.runtime.service import ServiceSettings
from shared.runtime.settings import LanguageSettings, LiveKitSettings, RetentionSettings


class AgentSettings(
    WorkerSettings,
    ConversationSettings,
    SarvamSettings,
    LlmSettings,
    LanguageSettings,
    LiveKitSettings,
    RetentionSettings,
    ServiceSettings,
):
    pass
