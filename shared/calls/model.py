"""One call, as `call:ID` holds it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.events.calls import EndReason, Outcome
from shared.profiles.model import Profile

CallState = Literal["requested", "active", "ended"]


class Call(BaseModel):
    """A call and its settings. Times are milliseconds since 1970 by Redis TIME.

    `attempt` counts the agents that have taken the call; the one with the highest holds it until
    `lease_ms`. `profile` is the snapshot that the whole call uses, whatever changes meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    lead_id: str
    room: str
    agent_id: str
    language: str
    voice: str
    user_name: str = ""
    channel: str = "web"
    caller: str | None = None  # the caller's number, for calls by telephone
    account: str = "default"
    profile: Profile
    profile_version: str
    state: CallState = "requested"
    attempt: int = 0
    owner: str = ""
    lease_ms: int = 0
    created_ms: int = 0
    joined_ms: int | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    how: EndReason | None = None
    outcome: Outcome | None = None


class NewCall(BaseModel):
    """What the gateway knows when it hands out a token."""

    model_config = ConfigDict(frozen=True)

    id: str
    lead_id: str
    room: str
    agent_id: str
    language: str
    voice: str
    user_name: str = ""
    channel: str = "web"
    caller: str | None = None
    account: str = "default"
    profile: Profile
    profile_version: str
