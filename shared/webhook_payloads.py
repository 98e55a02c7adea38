"""What N8N is posted: the bodies of our webhooks, field by field.

`make docs` makes the JSON Schemas in docs/schemas from these classes, so each field says what it
holds. Times are RFC 3339 in UTC with milliseconds. A body may gain fields; none is ever removed.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from shared.events.calls import EndReason, Outcome
from shared.frozen import FrozenModel

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
# There when it is true, and left out otherwise.
Flag = Annotated[
    Literal[True] | None,
    Field(exclude_if=lambda value: value is None),
    WithJsonSchema({"type": "boolean", "const": True}),
]


class LeadData(FrozenModel):
    """A lead as it stands: always the whole of it, never a difference.

    Store it under `lead_id` when `revision` is higher than what you have: one can come twice.
    """

    lead_id: str = Field(description="UUID, the same for every revision")
    revision: int = Field(description="counts from 1; the highest is the truth")
    complete: bool = Field(description="a name, a phone number and every required field are there")
    test: Flag = Field(None, description="true for a lead from `bolchaal leads test`, else absent")
    account: str = Field(description="whose it is: default, for as long as there is one account")
    call_id: str = Field(description="UUID of the call in which it was said")
    room: str = Field(description="LiveKit room of that call")
    channel: str = Field(description="how the caller came: web")
    caller: str | None = Field(description="the caller's number, for calls by telephone")
    agent_id: str = Field(description="the profile that asked")
    profile_version: str = Field(description="hash of that profile, 12 hex digits")
    language: str = Field(description="of the call: BCP 47, or unknown")
    name: Any = Field(description="text as a rule, in the caller's script; null until it is known")
    phone: Any = Field(description="text, E.164 where it could be read so; null until it is known")
    email: Any = Field(description="text; null until it is known")
    fields: dict[str, Any] = Field(
        description="what the profile asks for, by its keys; only what is known"
    )
    extra: dict[str, Any] = Field(description="what the profile does not ask for, by free keys")
    sources: dict[str, str] = Field(
        description="for each key, how it was said: caller (in words), typed, or line (caller id)"
    )
    captured_at: Moment = Field(description="when the first of it was said")
    truncated: Flag = Field(
        None, description="true when long texts were cut to fit LEAD_MAX_BYTES, else absent"
    )


class LeadCaptured(FrozenModel):
    """Posted to N8N_WEBHOOK_LEAD_CAPTURE for each revision that is complete, or the call's last."""

    type: Literal["lead.captured"] = "lead.captured"
    timestamp: Moment = Field(description="when this revision came to be")
    data: LeadData


class TranscriptTurn(FrozenModel):
    """One thing that was said."""

    who: Literal["caller", "agent"] = Field(description="who said it")
    text: str = Field(description="in the script of its language")
    language: str | None = Field(description="BCP 47, where it is known")
    at: Moment = Field(description="when it was said")
    typed: bool = Field(description="it was typed, not spoken")
    interrupted: bool = Field(description="the caller began to speak while the agent said it")


class CallLatency(FrozenModel):
    """From the end of the caller's speech to the agent's voice, over the call."""

    turns: int = Field(description="how many exchanges were measured")
    e2e_p50_ms: int | None = Field(description="median, milliseconds")
    e2e_p95_ms: int | None = Field(description="95th percentile, milliseconds")


class CallReport(FrozenModel):
    """A call that is over, with what was said and the lead that it gave."""

    call_id: str = Field(description="UUID")
    account: str = Field(description="whose it is: default, for as long as there is one account")
    room: str = Field(description="its LiveKit room")
    channel: str = Field(description="how the caller came: web")
    caller: str | None = Field(description="the caller's number, for calls by telephone")
    agent_id: str = Field(description="the profile that the agent had")
    profile_version: str = Field(description="hash of that profile, 12 hex digits")
    language: str = Field(description="of the call: BCP 47, or unknown")
    how: EndReason | None
    outcome: Outcome | None
    started_at: Moment = Field(description="when an agent took it; without one, when it was opened")
    ended_at: Moment | None = Field(description="null while it goes on")
    duration_ms: int | None = Field(description="milliseconds from started_at to ended_at")
    transcript: list[TranscriptTurn] = Field(description="the oldest turn first")
    lead: LeadData | None = Field(description="the lead as it stands now; null when there is none")
    latency: CallLatency
    truncated: Flag = Field(
        None, description="true when the oldest turns were left out to fit LEAD_MAX_BYTES"
    )


class CallEndedReport(FrozenModel):
    """Posted to N8N_WEBHOOK_CALL_ENDED once for each call, when it is set."""

    type: Literal["call.ended"] = "call.ended"
    timestamp: Moment = Field(description="when the call ended")
    data: CallReport
