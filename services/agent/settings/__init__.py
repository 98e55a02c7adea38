"""Settings of the agent, by subject."""

from services.agent.settings.agent import AgentSettings as AgentSettings
from services.agent.settings.conversation import ConversationSettings as ConversationSettings
from services.agent.settings.sarvam import SarvamSettings as SarvamSettings
from services.agent.settings.worker import WorkerSettings as WorkerSettings
