"""Opening, taking, renewing and ending calls: every change of `call:ID` goes through here."""

from dataclasses import dataclass
from typing import Literal, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from shared.calls.log import CallEnd
from shared.calls.model import Call, CallSettings, HeldCall
from shared.clock import DAY_S, SYSTEM_CLOCK, Clock
from shared.errors import Conflict, NotFound, NotOwner
from shared.events import CallEnded, CallRequested, EndReason, LeadChanged, Outcome
from shared.events.wire import for_script
from shared.redis import keys
from shared.redis.hashes import read_hashes
from shared.redis.scripts import flat, load_script

LEASE_MS = 3_000  # a killed agent is noticed within this; renewals come every second
NO_AGENT_MS = 5_000  # a caller who has joined waits this long before we dispatch again
DUE_AT_ONCE = 20  # calls that one look is given; the rest is due a moment later
FIRST_LOOK_MS = 1_000  # when the watchdog first asks whether the caller has joined


@dataclass(frozen=True, slots=True)
class EndResult:
    """What `end` did: `first` is False when somebody else had ended the call already."""

    first: bool
    outcome: Outcome | None


class CallNotTaken(NotOwner):
    """The call could not be taken. `reason` says why."""

    def __init__(self, reason: Literal["ended", "held"]) -> None:
        super().__init__(f"the call is {reason}")
        self.reason = reason


class Calls:
    """The calls in Redis.

    `source` is the service that speaks, for the events; retention is in days, for the call itself
    and for its log. Each change is one script (the .lua files beside this one): state, lease, due
    time and event change together, by Redis TIME.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        source: str,
        keep_days: int = 365,
        keep_log_days: int = 30,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._redis = redis
        self._source = source
        self._keep_s = keep_days * DAY_S
        self._keep_log_s = keep_log_days * DAY_S
        self._clock = clock
        self._open = load_script(redis, __file__, "open")
        self._take = load_script(redis, __file__, "take")
        self._renew = load_script(redis, __file__, "renew")
        self._release = load_script(redis, __file__, "release")
        self._joined = load_script(redis, __file__, "joined")
        self._claim_due = load_script(redis, __file__, "claim_due")
        self._end = load_script(redis, __file__, "end")

    async def open(self, new: CallSettings) -> None:
        """Stores the call and publishes `call.requested`, in one step.

        Safe to repeat: a call that is open already stays as it is. Raises Conflict when the room
        has, or had, another call.
        """
        event = CallRequested(call_id=new.id, agent_id=new.agent_id, at=self._clock.now())
        answer = await self._open(
            keys=[
                keys.call(new.id),
                keys.CALLS_INDEX,
                keys.CALLS_DUE,
                keys.CALLS,
                keys.call_of_room(new.room),
            ],
            args=[
                self._keep_s,
                DAY_S,
                FIRST_LOOK_MS,
                new.id,
                new.room,
                for_script(event, self._source),
                *_settings_fields(new),
            ],
        )
        if int(answer) == -1:
            raise Conflict(f"room {new.room} has a call already", code="room_taken")

    async def get(self, call_id: str) -> Call:
        """Raises NotFound."""
        fields = await self._redis.hgetall(keys.call(call_id))
        if not fields:
            raise NotFound(f"no call {call_id}", code="unknown_call")
        return Call.from_hash(cast("dict[str, str]", fields))

    async def of_room(self, room: str) -> str | None:
        """The call that a LiveKit room belongs to; None for a room that is not ours."""
        return cast("str | None", await self._redis.get(keys.call_of_room(room)))

    async def latest(self, limit: int = 50) -> list[Call]:
        """The newest calls first; those whose retention is over are forgotten on the way."""
        ids = cast("list[str]", await self._redis.zrevrange(keys.CALLS_INDEX, 0, limit - 1))
        found = await read_hashes(self._redis, [keys.call(call_id) for call_id in ids])
        if gone := [call_id for call_id, fields in zip(ids, found, strict=True) if not fields]:
            await self._redis.zrem(keys.CALLS_INDEX, *gone)
        return [Call.from_hash(fields) for fields in found if fields]

    async def take(self, call_id: str, owner: str) -> HeldCall:
        """Takes the lease for `owner`. Raises CallNotTaken, NotFound."""
        answer = int(
            await self._take(
                keys=[keys.call(call_id), keys.CALLS_DUE], args=[call_id, owner, LEASE_MS]
            )
        )
        if answer == -2:
            raise NotFound(f"no call {call_id}", code="unknown_call")
        if answer <= 0:
            raise CallNotTaken("ended" if answer == 0 else "held")
        return HeldCall(call_id=call_id, attempt=answer)

    async def renew(self, held: HeldCall) -> None:
        """Renews the lease, to be done every second. Raises NotOwner when the call is not ours."""
        await self._while_held(self._renew, held, LEASE_MS)

    async def release(self, held: HeldCall) -> None:
        """Gives the lease up, so that another agent may take the call at once. Raises NotOwner."""
        await self._while_held(self._release, held)

    async def joined(self, call_id: str) -> bool:
        """Notes that the caller is in the room; True the first time."""
        answer = await self._joined(
            keys=[keys.call(call_id), keys.CALLS_DUE], args=[call_id, NO_AGENT_MS]
        )
        return bool(answer)

    async def claim_due(self, *, hold_ms: int = 2_000) -> list[str]:
        """Calls that somebody must look at now; nobody else is given them for `hold_ms`."""
        answer = await self._claim_due(keys=[keys.CALLS_DUE], args=[hold_ms, DUE_AT_ONCE])
        return cast("list[str]", answer)

    async def due_at(self, call_id: str, at_ms: int) -> None:
        """Puts the next look at a call at `at_ms`, Redis TIME in milliseconds."""
        await self._redis.zadd(keys.CALLS_DUE, {call_id: at_ms})

    async def not_due(self, call_id: str) -> None:
        """Takes a call off the watch, e.g. one whose retention is over."""
        await self._redis.zrem(keys.CALLS_DUE, call_id)

    async def end(self, call: Call, how: EndReason, *, held: HeldCall | None = None) -> EndResult:
        """Ends the call, once. A lead that is not complete is sent as it stands.

        An agent shows its hold, and NotOwner is raised when another one has the call by now; the
        gateway shows none.
        """
        now = self._clock.now()
        ended = CallEnded(call_id=call.id, how=how, outcome="no_lead", duration_ms=0, at=now)
        entry = CallEnd(how=how, outcome="no_lead", duration_ms=0)
        # Of the lead that the call leaves incomplete.
        final = LeadChanged(
            lead_id=call.lead_id, call_id=call.id, revision=0, postable=True, at=now
        )
        answer = await self._end(
            keys=[
                keys.call(call.id),
                keys.CALLS_DUE,
                keys.CALLS,
                keys.call_log(call.id),
                keys.lead(call.lead_id),
                keys.LEADS,
            ],
            args=[
                call.id,
                how,
                "" if held is None else held.attempt,
                self._keep_log_s,
                entry.model_dump_json(include={"how"}),
                for_script(ended, self._source, without={"outcome", "duration_ms"}),
                for_script(final, self._source, without={"revision"}),
            ],
        )
        done, said = int(answer[0]), str(answer[1] or "")
        if done == -1:
            raise NotOwner(f"call {call.id} is held by another agent")
        return EndResult(first=done == 1, outcome=cast("Outcome", said) if done == 1 else None)

    async def _while_held(self, script: AsyncScript, held: HeldCall, *more: int) -> None:
        answer = await script(
            keys=[keys.call(held.call_id), keys.CALLS_DUE],
            args=[held.call_id, held.attempt, *more],
        )
        if not answer:
            raise NotOwner(f"call {held.call_id} is not held by attempt {held.attempt}")


def _settings_fields(new: CallSettings) -> list[str]:
    """Fields and values of the hash, in turn; what is None is left out."""
    settings = new.model_dump(mode="json", exclude={"profile"}, exclude_none=True)
    texts = {name: str(value) for name, value in settings.items()}
    return flat({**texts, "profile": new.profile.model_dump_json()})
