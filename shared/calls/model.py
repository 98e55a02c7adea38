"""One call, as `call:ID` holds it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.events.calls import EndReason, Outcome
from shared.frozen import FrozenModel
from shared.profiles.model import Profile

CallState = Literal["requested", "active", "ended"]


class CallSettings(FrozenModel):
    """What is settled when a call is opened, and stays.

    `profile` is the snapshot that the whole call uses, whatever changes meanwhile.
    `caller_identity` is the caller's identity in the LiveKit room: who has it is the caller, and
    nobody else is (a recorder, a supervisor). None for a call that was opened before there was this
    field: then whoever is no agent counts as the caller.
    """

    id: str
    lead_id: str
    room: str
    agent_id: str
    language: str
    voice: str
    user_name: str = ""
    channel: str = "web"
    caller: str | None = None  # the caller's number, for calls by telephone
    caller_identity: str | None = None
    account: str = "default"
    profile: Profile
    profile_version: str


class Call(CallSettings):
    """A call as it stands. Times are milliseconds since 1970 by Redis TIME.

    `attempt` counts the agents that have taken the call; the one with the highest holds it until
    `lease_ms`.
    """

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

    @classmethod
    def from_hash(cls, fields: Mapping[str, str]) -> "Call":
        """From `call:ID`."""
        return cls.model_validate({**fields, "profile": json.loads(fields["profile"])})


@dataclass(frozen=True, slots=True)
class HeldCall:
    """An agent's hold on a call. Every write of an agent shows it, and is refused when another
    attempt holds the call by now.
    """

    call_id: str
    attempt: int
