"""Noting what is said into a call's lead."""

import asyncio
import re
from collections.abc import Callable
from itertools import count

from loguru import logger
from redis.exceptions import RedisError

from services.agent.lead.fields.parse import FORMATS, parse_field
from services.agent.lead.placeholder import is_placeholder
from services.agent.lead.questions import questions
from services.agent.lead.sink import LeadSink
from shared.calls import Call, HeldCall
from shared.calls.log import CallNotice
from shared.errors import Invalid, Unavailable
from shared.leads import LeadChange, LeadContext, Merged
from shared.leads.model import ValueSource
from shared.leads.spool import SpoolError
from shared.profiles.model import CONTACT, KEY_PATTERN, FieldType, Localised

MOST_EXTRA = 20  # keys of the model's own making in one call: a model that invents more is confused
NOT_SAVED = "not_saved"  # code of the notice; an info notice of the same code says that it is over
_KEY = re.compile(KEY_PATTERN)


class LeadRecorder:
    """Takes values for the fields of one call's lead. `language` is the one spoken now."""

    def __init__(
        self,
        sink: LeadSink,
        call: Call,
        held: HeldCall,
        localised: Localised,
        log: Callable[[CallNotice], None],
    ) -> None:
        self._sink = sink
        self._call = call
        self._held = held
        self._log = log
        self._sequence = count(1)
        self._questions = {each.key: each for each in questions(localised)}
        self._lead_fields = {each.key: each for each in call.profile.lead_fields}
        self.language = call.language
        self._extra: set[str] = set()
        self._saving: set[asyncio.Task[Merged | None]] = set()
        self._failing = False

    @property
    def keys(self) -> list[str]:
        """Keys that a value can be noted for: what is asked first, then what may come up."""
        return list(dict.fromkeys((*self._questions, *CONTACT, *self._lead_fields)))

    def knows(self, key: str) -> bool:
        """Whether values were noted under this key before, or the profile has it."""
        return key in self.keys or key in self._extra

    def takes(self, key: str) -> bool:
        """Whether a value can be noted under this key: one of the profile's, or a few of the
        model's own making, which go under the lead's `extra`.
        """
        if self.knows(key):
            return True
        if not _KEY.fullmatch(key) or len(self._extra) >= MOST_EXTRA:
            return False
        self._extra.add(key)
        return True

    async def save(self, key: str, text: str, source: ValueSource) -> Merged | None:
        """Notes one value; None when it is in the spool.

        Raises Invalid for a value that cannot be right, and Unavailable when nothing took it: then
        nobody may say that it is saved.
        """
        kind, options = self._type_of(key)
        if is_placeholder(text, key=key, options=options):
            raise Invalid(
                f"{text.strip()[:40]!r} is no value for {key}: give what the caller said, or ask"
                " for it; without an answer do not save it",
                code="placeholder",
                field=key,
            )
        change = LeadChange(
            field=key,
            value=parse_field(key, kind, text, options),
            attempt=self._held.attempt,
            sequence=next(self._sequence),
            source=source,
            known=key in self.keys,
        )
        # A caller who interrupts cancels the tools of that turn, but not what they have said.
        saving = asyncio.create_task(self._apply(change), name="save-lead")
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)
        return await asyncio.shield(saving)

    async def aclose(self) -> None:
        """Waits for values whose saving outlived the turn in which they were said."""
        await asyncio.gather(*self._saving, return_exceptions=True)

    def formats(self) -> str:
        """How values of the typed fields are written, for the tool's description."""
        told = []
        for key in self.keys:
            kind, options = self._type_of(key)
            form = f"one of {', '.join(options)}" if options else FORMATS.get(kind)
            if form and key not in CONTACT:
                told.append(f"{key}: {form}")
        return "; ".join(told)

    async def _apply(self, change: LeadChange) -> Merged | None:
        try:
            merged = await self._sink.apply(self._context(), [change])
        except (SpoolError, TimeoutError, RedisError, OSError) as error:
            logger.error("a value could not be saved: {}", type(error).__name__)
            self._failing = True
            self._log(
                CallNotice(level="error", code=NOT_SAVED, text=f"{change.field} could not be saved")
            )
            raise Unavailable(
                "not saved: the system is away. Excuse it and ask the caller to say it again in a"
                " moment.",
                code="away",
            ) from error
        if self._failing:
            self._failing = False
            self._log(CallNotice(level="info", code=NOT_SAVED, text="values are saved again"))
        return merged

    def _type_of(self, key: str) -> tuple[FieldType, tuple[str, ...]]:
        known = self._questions.get(key) or self._lead_fields.get(key)
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
