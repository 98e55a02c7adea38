"""Settings of the agent, by subject."""

from services.agent.settings.agent import AgentSettings
from services.agent.settings.conversation import ConversationSettings
from services.agent.settings.llm import LlmSettings
from services.agent.settings.sarvam import SarvamSettings
from services.agent.settings.worker import WorkerSettings

__all__ = [
    "AgentSettings",
    "ConversationSettings",
    "LlmSettings",
    "SarvamSettings",
    "WorkerSettings",
]
