"""What the language model can do in a call: note a value, end the call."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from livekit.agents import RunContext, StopResponse, ToolError, function_tool, llm
from loguru import logger
from redis.exceptions import RedisError

from services.agent.call.log_writer import TurnLog
from services.agent.conversation.prompt import fields
from services.agent.lead.fields.parse import FORMATS, parse_field
from services.agent.lead.sink import LeadSink
from shared.calls import Call
from shared.errors import Invalid
from shared.leads import LeadChange, LeadContext, Merged
from shared.leads.model import ValueSource
from shared.leads.spool import SpoolError
from shared.profiles.model import CONTACT, KEY_PATTERN, Localised, Question

MOST_EXTRA = 20  # keys of the model's own making in one call; a model that invents more is lost
_KEY = re.compile(KEY_PATTERN)
END_REASONS = ("lead_complete", "caller_done", "transfer", "refused")


class LeadBook:
    """Notes what is said into the call's lead."""

    def __init__(
        self,
        sink: LeadSink,
        call: Call,
        attempt: int,
        localised: Localised,
        log: TurnLog,
    ) -> None:
        self._sink = sink
        self._call = call
        self._attempt = attempt
        self._log = log
        self._sequence = count(1)
        self._questions: dict[str, Question] = {each.key: each for each in fields(localised)}
        self._typed_fields = {each.key: each for each in call.profile.lead_fields}
        self.language = call.language
        self._extra: set[str] = set()
        self._saving: set[asyncio.Task[Merged | None]] = set()

    @property
    def keys(self) -> list[str]:
        """Keys that a value can be noted for: what is asked first, then what may come up."""
        return list(dict.fromkeys((*self._questions, *CONTACT, *self._typed_fields)))

    def takes(self, key: str) -> bool:
        """Whether a value can be noted under this key: one of the profile's, or a few of the
        model's own making, which go under the lead's `extra`.
        """
        if key in self.keys or key in self._extra:
            return True
        if not _KEY.fullmatch(key) or len(self._extra) >= MOST_EXTRA:
            return False
        self._extra.add(key)
        return True

    async def save(self, key: str, text: str, source: ValueSource) -> Merged | None:
        """Notes one value; None when it is in the spool. Raises Invalid for a value that cannot be
        right, and ToolError when nothing took it: then nobody may say that it is saved.
        """
        kind, options = self._kind(key)
        change = LeadChange(
            field=key,
            value=parse_field(key, kind, text, options),
            attempt=self._attempt,
            sequence=next(self._sequence),
            source=source,
            known=key in self.keys,
        )
        # A caller who interrupts cancels the tools of that turn, but not what they have said.
        saving = asyncio.create_task(self._apply(change), name="save-lead")
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)
        return await asyncio.shield(saving)

    async def settle(self) -> None:
        """Waits for values whose saving outlived the turn in which they were said."""
        await asyncio.gather(*self._saving, return_exceptions=True)

    async def _apply(self, change: LeadChange) -> Merged | None:
        try:
            return await self._sink.apply(self._context(), [change])
        except (SpoolError, TimeoutError, RedisError, OSError) as error:
            logger.error("a value could not be saved: {}", type(error).__name__)
            self._log.notice("error", "not_saved", f"{change.field} could not be saved")
            raise ToolError(
                "not saved: the system is away. Excuse it and ask the caller to say it again in a"
                " moment."
            ) from error

    def formats(self) -> str:
        """How values of the typed fields are written, for the tool's description."""
        told = []
        for key in self.keys:
            kind, options = self._kind(key)
            form = f"one of {', '.join(options)}" if options else FORMATS.get(kind)
            if form and key not in CONTACT:
                told.append(f"{key}: {form}")
        return "; ".join(told)

    def _kind(self, key: str) -> tuple[Any, tuple[str, ...]]:
        known = self._questions.get(key) or self._typed_fields.get(key)
        return (known.type, known.options) if known else ("string", ())

    def _context(self) -> LeadContext:
        call = self._call
        return LeadContext(
            lead_id=call.lead_id,
            call_id=call.id,
            room=call.room,
            channel=call.channel,
            caller=call.caller,
            account=call.account,
            agent_id=call.agent_id,
            profile_version=call.profile_version,
            language=self.language,
            required=call.profile.required(),
        )


def save_lead_tool(book: LeadBook, log: TurnLog, source: Callable[[], ValueSource]) -> llm.Tool:
    """save_lead(field, value). `source` says how the caller's last turn came."""
    formats = book.formats()
    schema = {
        "name": "save_lead",
        "description": "Notes one thing that the caller has said. Call it as soon as it is said,"
        " once for each field; call it again when the caller corrects themselves.",
        "parameters": {
            "type": "object",
            "properties": {
                "field": {
                    "type": "string",
                    "enum": book.keys,
                    "description": "the key of the field",
                },
                "value": {
                    "type": "string",
                    "description": "what the caller said for it, in their own words and script;"
                    " a phone number in digits" + (f"; {formats}" if formats else ""),
                },
            },
            "required": ["field", "value"],
            "additionalProperties": False,
        },
    }

    async def save_lead(raw_arguments: dict[str, object]) -> str:
        key, value = str(raw_arguments.get("field", "")), str(raw_arguments.get("value", ""))
        if not book.takes(key):
            log.tool("save_lead", (), error="unknown_field")
            raise ToolError(f"error: no field {key[:40]!r}; the fields are {', '.join(book.keys)}")
        try:
            await book.save(key, value, source())
        except Invalid as error:
            log.tool("save_lead", (key,), error=error.code)
            raise ToolError(f"error: {error.message}") from error
        except ToolError:
            log.tool("save_lead", (key,), error="away")
            raise
        log.tool("save_lead", (key,))
        return "saved"

    return function_tool(save_lead, raw_schema=schema)


def end_call_tool(log: TurnLog, end: Callable[[RunContext[Any]], Awaitable[bool]]) -> llm.Tool:
    """end_call(reason). `end` prepares the end; it answers whether goodbye was said already."""
    schema = {
        "name": "end_call",
        "description": "Ends the call, once goodbye is said. Call it when everything is noted and"
        " the caller has no more questions, or when the caller wants to stop.",
        "parameters": {
            "type": "object",
            "properties": {
                "reason": {"type": "string", "enum": list(END_REASONS), "description": "why"}
            },
            "required": ["reason"],
            "additionalProperties": False,
        },
    }

    async def end_call(raw_arguments: dict[str, object], context: RunContext[Any]) -> str:
        reason = raw_arguments.get("reason")
        logger.info("the agent ends the call: {}", reason if reason in END_REASONS else "other")
        log.tool("end_call", ())
        if await end(context):
            raise StopResponse
        return "The call ends after your next sentence: thank the caller and say goodbye."

    return function_tool(end_call, raw_schema=schema)
