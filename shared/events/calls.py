"""The life of a call, on the stream `bolchaal:calls`. Ids only; the rest is in the call's log."""

from typing import ClassVar, Literal

from shared.events.base import Event
from shared.redis import keys

# How a call ended. What it achieved is another field: a completed call may have no lead.
EndReason = Literal[
    "caller_hung_up",  # the caller left
    "agent_finished",  # the agent said goodbye and closed the call
    "caller_lost",  # the caller's network went and did not come back within the grace
    "never_joined",  # nobody came within two minutes
    "room_closed",  # LiveKit says that the room is gone
    "failed",  # the agent could not go on
]

# What a call achieved.
Outcome = Literal["lead_complete", "lead_partial", "no_lead"]


class CallRequested(Event):
    """A token was handed out. Producer: gateway."""

    type: ClassVar[str] = "call.requested"
    stream: ClassVar[str] = keys.CALLS
    call_id: str
    agent_id: str


class CallStarted(Event):
    """An agent is in the room for the first time. Producer: agent."""

    type: ClassVar[str] = "call.started"
    stream: ClassVar[str] = keys.CALLS
    call_id: str
    attempt: int


class CallResumed(Event):
    """Another agent went on with the call after the first one died. Producer: agent."""

    type: ClassVar[str] = "call.resumed"
    stream: ClassVar[str] = keys.CALLS
    call_id: str
    attempt: int


class CallEnded(Event):
    """The call is over. Produced by one script, whoever calls it first: agent or gateway."""

    type: ClassVar[str] = "call.ended"
    stream: ClassVar[str] = keys.CALLS
    call_id: str
    how: EndReason
    outcome: Outcome
    duration_ms: int
