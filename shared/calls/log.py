"""The call log: everything that happened in one call, in order, as it happens.

A stream a call. The page and the console show it live, a second agent rebuilds the conversation
from it, and a call can be replayed from it. Entries are typed; each type has one producer.
"""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, cast

from pydantic import Field, TypeAdapter, ValidationError
from redis.asyncio import Redis

from shared.calls.model import HeldCall
from shared.clock import DAY_S
from shared.errors import NotOwner
from shared.events.calls import EndReason, Outcome
from shared.frozen import FrozenModel
from shared.redis import keys
from shared.redis.scripts import load_script

MOST_ENTRIES = 10_000  # of one log in one answer: more than a call writes


class _Entry(FrozenModel):
    """`at_ms` is when it happened (milliseconds since 1970), the stream id when it was written."""

    at_ms: int = 0


class Latency(FrozenModel):
    """Milliseconds of one exchange, as livekit-agents measured them; None where it did not."""

    transcription_ms: int | None = None  # end of speech to final transcript
    end_of_turn_ms: int | None = None  # end of speech to the decision that the turn is over
    llm_ttft_ms: int | None = None  # request to first token
    tts_ttfb_ms: int | None = None  # first text to first audio byte
    e2e_ms: int | None = None  # end of the caller's speech to the agent's voice


class AgentState(_Entry):
    """The agent's state changed. Producer: agent."""

    type: Literal["state"] = "state"
    state: Literal["joining", "listening", "thinking", "speaking", "left"]


class Turn(_Entry):
    """Something was said. `typed`: it came as text. Producer: agent."""

    type: Literal["turn"] = "turn"
    who: Literal["caller", "agent"]
    text: str
    language: str | None = None
    typed: bool = False
    interrupted: bool = False
    latency: Latency | None = None


class ToolCall(_Entry):
    """A tool ran. Values are in the lead; here only which fields. Producer: agent."""

    type: Literal["tool"] = "tool"
    name: str
    fields: tuple[str, ...] = ()
    ok: bool = True
    error: str | None = None


class LeadRevision(_Entry):
    """The lead has a new revision. Producer: the merge script."""

    type: Literal["lead"] = "lead"
    lead_id: str
    revision: int
    complete: bool
    changed: dict[str, Any] = Field(default_factory=dict)


class DeliveryUpdate(_Entry):
    """What happened to a revision on its way to N8N. Producer: leads.

    `acknowledged` and `unconfirmed` are final, and so are `superseded` and `dead`.
    """

    type: Literal["delivery"] = "delivery"
    destination: str
    subject: str
    revision: int
    state: Literal[
        "scheduled", "retrying", "acknowledged", "unconfirmed", "superseded", "parked", "dead"
    ]
    status: int | None = None
    answer: str | None = None
    attempt: int = 0
    next_at_ms: int | None = None


class CallNotice(_Entry):
    """Something that the people on both sides should know. Producers: gateway and agent."""

    type: Literal["notice"] = "notice"
    level: Literal["info", "warning", "error"]
    code: str
    text: str


class CallEnd(_Entry):
    """The call is over; only deliveries come after. Producer: the script that ends a call."""

    type: Literal["ended"] = "ended"
    how: EndReason
    outcome: Outcome
    duration_ms: int


LogEntry = Annotated[
    AgentState | Turn | ToolCall | LeadRevision | DeliveryUpdate | CallNotice | CallEnd,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[LogEntry] = TypeAdapter(LogEntry)


class Logged(FrozenModel):
    """An entry as read: `id` is the stream entry id, to go on after."""

    id: str
    entry: LogEntry


class CallLog:
    """The logs of all calls. `keep_days`: how long one is kept after its last entry."""

    def __init__(self, redis: Redis, *, keep_days: int = 30) -> None:
        self._redis = redis
        self._keep_s = keep_days * DAY_S
        self._append = load_script(redis, __file__, "append_log")

    async def append(self, call_id: str, entry: LogEntry) -> str:
        """Writes an entry of somebody who is no agent; answers its id."""
        return cast("str", await self._write(call_id, "", entry))

    async def append_held(self, held: HeldCall, entry: LogEntry) -> str:
        """Writes an agent's entry; answers its id. Raises NotOwner when it has lost the call."""
        answer = await self._write(held.call_id, held.attempt, entry)
        if answer is None:
            raise NotOwner(f"call {held.call_id} is held by another agent")
        return answer

    async def _write(self, call_id: str, attempt: int | str, entry: LogEntry) -> str | None:
        answer = await self._append(
            keys=[keys.call_log(call_id), keys.call(call_id)],
            args=[
                attempt,
                self._keep_s,
                entry.type,
                entry.model_dump_json(exclude={"type"}, exclude_none=True),
            ],
        )
        return None if answer is None else str(answer)

    async def read(self, call_id: str, *, after: str = "-") -> list[Logged]:
        """Entries after the one with id `after` (from the first one when omitted)."""
        start = "-" if after in ("-", "", "0") else f"({after}"
        raw = await self._redis.xrange(
            keys.call_log(call_id), min=start, max="+", count=MOST_ENTRIES
        )
        return _parse(cast("list[tuple[str, dict[str, str]]]", raw))

    async def follow(
        self, call_id: str, *, after: str = "0", block_ms: int = 10_000
    ) -> AsyncIterator[list[Logged]]:
        """Batches of entries as they come, for ever; an empty batch every `block_ms` of silence."""
        last = after if after not in ("-", "") else "0"
        while True:
            answer = await self._redis.xread(
                {keys.call_log(call_id): last}, count=200, block=block_ms
            )
            raw: list[tuple[str, dict[str, str]]] = []
            if isinstance(answer, dict):  # RESP3
                raw = [entry for entries in answer.values() for entry in cast("Any", entries)[0]]
            elif answer:
                raw = cast("Any", answer)[0][1]
            if raw:
                last = raw[-1][0]
            yield _parse(raw)


def _parse(raw: list[tuple[str, dict[str, str]]]) -> list[Logged]:
    """Typed entries; one of a type that this version does not know is passed over."""
    logged = []
    for entry_id, fields in raw:
        try:
            data = json.loads(fields.get("data", "{}"))
            data.setdefault("at_ms", int(entry_id.partition("-")[0]))
            entry = _ADAPTER.validate_python({**data, "type": fields.get("type")})
        except (ValueError, ValidationError):
            continue
        if not entry.at_ms:
            entry = entry.model_copy(update={"at_ms": int(entry_id.partition("-")[0])})
        logged.append(Logged(id=entry_id, entry=entry))
    return logged
