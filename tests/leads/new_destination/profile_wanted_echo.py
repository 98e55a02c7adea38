"""A destination that nobody needs, as somebody might add it: one module, and nothing else."""

from typing import Literal

from pydantic import BaseModel, Field

from services.leads.delivery.model import ClaimedAttempt
from services.leads.destinations.base import Destination, DestinationSettings, Wanted
from shared.events import ProfileWanted
from shared.runtime.settings import WebhookPath


class ProfileWantedEchoSettings(DestinationSettings):
    n8n_webhook_profile_wanted_echo: WebhookPath | None = Field(
        None, description="path of the N8N webhook that is told which profiles are asked for"
    )


class ProfileWantedPayload(BaseModel):
    type: Literal["profile.wanted"] = "profile.wanted"
    agent_id: str


class ProfileWantedEcho(Destination[ProfileWanted, ProfileWantedPayload]):
    name = "profile-wanted-echo"
    event = ProfileWanted
    settings = ProfileWantedEchoSettings

    def wanted(self, event: ProfileWanted) -> Wanted:
        return Wanted(event.agent_id, 1)

    async def payload(self, claimed: ClaimedAttempt) -> ProfileWantedPayload:
        return ProfileWantedPayload(agent_id=claimed.subject)


DESTINATION = ProfileWantedEcho
