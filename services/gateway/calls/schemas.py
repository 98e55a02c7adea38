"""Calls in the API: bodies of requests and answers. The predecessor's names, where it had them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_serializer

from services.gateway.printable import Printable
from shared.calls import Call
from shared.calls.log import Logged
from shared.clock import from_ms
from shared.profiles import Question


class TokenRequest(BaseModel):
    """Everything may be left out, be null or be empty: then it is the profile's."""

    model_config = ConfigDict(extra="ignore")

    agentId: Annotated[Printable, Field(max_length=64)] = "default"  # noqa: N815 - the API's name
    language: Annotated[Printable, Field(max_length=20)] | None = None
    voice: Annotated[Printable, Field(max_length=64)] | None = None
    userName: Annotated[Printable, Field(max_length=80)] = ""  # noqa: N815 - the API's name

    @field_validator("agentId", mode="before")
    @classmethod
    def _default_agent(cls, value: object) -> object:
        return value or "default" if value is None or isinstance(value, str) else value

    @field_validator("language", "voice", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("userName", mode="before")
    @classmethod
    def _no_name(cls, value: object) -> object:
        return "" if value is None else value


class TokenAnswer(BaseModel):
    token: str
    roomName: str  # noqa: N815 - the API's name
    livekitUrl: str  # noqa: N815 - the API's name
    agentId: str  # noqa: N815 - the API's name
    callId: str  # noqa: N815 - the same style


class CallDetails(BaseModel):
    """A call for the browser that opened it: who it talks with, and what will be asked."""

    call_id: str
    agent_id: str
    agent_name: str
    language: str
    voice: str
    state: str
    questions: list[Question]

    @classmethod
    def of(cls, call: Call, default_language: str) -> "CallDetails":
        asked = call.profile.localised(call.language, default_language).questions
        return cls(
            call_id=call.id,
            agent_id=call.agent_id,
            agent_name=call.profile.name,
            language=call.language,
            voice=call.voice,
            state=call.state,
            questions=_with_contact(asked),
        )


class CallSummary(BaseModel):
    """A call for the console. Times are RFC 3339 in UTC, durations milliseconds."""

    call_id: str
    lead_id: str
    agent_id: str
    language: str
    voice: str
    channel: str
    state: str
    how: str | None
    outcome: str | None
    attempts: int
    created_at: str
    joined_at: str | None
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None

    @classmethod
    def of(cls, call: Call) -> "CallSummary":
        ended, began = call.ended_ms, call.started_ms or call.created_ms
        return cls(
            call_id=call.id,
            lead_id=call.lead_id,
            agent_id=call.agent_id,
            language=call.language,
            voice=call.voice,
            channel=call.channel,
            state=call.state,
            how=call.how,
            outcome=call.outcome,
            attempts=call.attempt,
            created_at=from_ms(call.created_ms),
            joined_at=_moment(call.joined_ms),
            started_at=_moment(call.started_ms),
            ended_at=_moment(ended),
            duration_ms=ended - began if ended else None,
        )


class CallsAnswer(BaseModel):
    calls: list[CallSummary]


class LogLine(Logged):
    """An entry of a call's log, its id among its fields."""

    @classmethod
    def of(cls, logged: Logged) -> "LogLine":
        return cls(id=logged.id, entry=logged.entry)

    @model_serializer
    def _flat(self) -> dict[str, Any]:
        return {"id": self.id, **self.entry.model_dump(mode="json", exclude_none=True)}


class CallAnswer(BaseModel):
    """One call with its whole log, oldest entry first."""

    call: CallSummary
    log: list[LogLine]


def _moment(milliseconds: int | None) -> str | None:
    return from_ms(milliseconds) if milliseconds else None


def _with_contact(asked: tuple[Question, ...]) -> list[Question]:
    """Name and phone are asked last when the profile does not name them."""
    known = {question.key for question in asked}
    contact = [
        Question(key=key, question=label)
        for key, label in (("name", "Name"), ("phone", "Phone"))
        if key not in known
    ]
    return [*asked, *contact]
