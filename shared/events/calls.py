"""The life of a call, on the stream `bolchaal:calls`. Ids only; the rest is in the call's log."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.events.base import Event
from shared.redis import keys

# What a call achieved is another field: one that ended well may have no lead.
EndReason = Annotated[
    Literal[
        "caller_hung_up", "agent_finished", "caller_lost", "never_joined", "room_closed", "failed"
    ],
    Field(
        description="how the call ended. caller_hung_up: the caller left; agent_finished: the agent"
        " said goodbye and closed the call; caller_lost: the caller's network went and did not come"
        " back in time; never_joined: nobody came within two minutes; room_closed: LiveKit says"
        " that the room is gone; failed: the agent could not go on"
    ),
]

Outcome = Annotated[
    Literal["lead_complete", "lead_partial", "no_lead"],
    Field(
        description="what the call achieved. lead_complete: a lead with all that is required;"
        " lead_partial: a lead in which something is missing; no_lead: nothing was noted"
    ),
]

_CallId = Annotated[str, Field(description="UUIDv7 of the call: its log is call:ID:log")]
_Attempt = Annotated[int, Field(description="counts the agents that have taken the call, from 1")]


class CallRequested(Event):
    """A token was handed out. Producer: gateway."""

    type: ClassVar[str] = "call.requested"
    stream: ClassVar[str] = keys.CALLS
    call_id: _CallId
    agent_id: str = Field(description="the profile that was asked for")


class CallStarted(Event):
    """An agent is in the room for the first time. Producer: agent."""

    type: ClassVar[str] = "call.started"
    stream: ClassVar[str] = keys.CALLS
    call_id: _CallId
    attempt: _Attempt


class CallResumed(Event):
    """Another agent went on with the call after the first one died. Producer: agent."""

    type: ClassVar[str] = "call.resumed"
    stream: ClassVar[str] = keys.CALLS
    call_id: _CallId
    attempt: _Attempt


class CallEnded(Event):
    """The call is over. Produced by one script, whoever calls it first: agent or gateway."""

    type: ClassVar[str] = "call.ended"
    stream: ClassVar[str] = keys.CALLS
    call_id: _CallId
    how: EndReason
    outcome: Outcome
    duration_ms: int = Field(description="milliseconds since the first agent took it")
