"""Opening, taking, renewing and ending calls: every change of `call:ID` goes through here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from redis.asyncio import Redis

from shared.calls import scripts
from shared.calls.model import Call, CallSettings, HeldCall
from shared.clock import SYSTEM_CLOCK, Clock, isoformat
from shared.errors import NotFound, NotOwner
from shared.events.calls import CallRequested, EndReason, Outcome
from shared.events.wire import to_fields
from shared.ids import uuid7
from shared.redis import keys

DAY_S = 86_400

LEASE_MS = 3_000  # a killed agent is noticed within this; renewals come every second
NO_AGENT_MS = 5_000  # a caller who has joined waits this long before we dispatch again
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
    and for its log.
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
        register = redis.register_script
        self._open = register(scripts.OPEN)
        self._take = register(scripts.TAKE)
        self._renew = register(scripts.RENEW)
        self._release = register(scripts.RELEASE)
        self._joined = register(scripts.JOINED)
        self._claim_due = register(scripts.CLAIM_DUE)
        self._end = register(scripts.END)

    async def open(self, new: CallSettings) -> None:
        """Stores the call and publishes `call.requested`, in one step."""
        hash_: list[str] = []
        for field, value in new.model_dump(mode="json", exclude={"profile"}).items():
            if value is not None:
                hash_ += [field, str(value)]
        hash_ += ["profile", new.profile.model_dump_json()]
        event = to_fields(CallRequested(call_id=new.id, agent_id=new.agent_id), self._source)
        await self._open(
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
                len(hash_) // 2,
                *hash_,
                *_flat(event),
            ],
        )

    async def get(self, call_id: str) -> Call:
        """Raises NotFound."""
        fields = await self._hash(keys.call(call_id))
        if not fields:
            raise NotFound(f"no call {call_id}", code="unknown_call")
        fields["profile"] = json.loads(fields["profile"])
        return Call.model_validate(fields)

    async def of_room(self, room: str) -> str | None:
        """The call that a LiveKit room belongs to; None for a room that is not ours."""
        return cast("str | None", await self._redis.get(keys.call_of_room(room)))

    async def latest(self, limit: int = 50) -> list[Call]:
        """The newest calls first; those whose retention is over are forgotten on the way."""
        ids = await self._redis.zrevrange(keys.CALLS_INDEX, 0, limit - 1)
        calls = []
        for call_id in cast("list[str]", ids):
            try:
                calls.append(await self.get(call_id))
            except NotFound:
                await self._redis.zrem(keys.CALLS_INDEX, call_id)
        return calls

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
        await self._own(self._renew, held, LEASE_MS)

    async def release(self, held: HeldCall) -> None:
        """Gives the lease up, so that another agent may take the call at once."""
        await self._own(self._release, held)

    async def joined(self, call_id: str) -> bool:
        """Notes that the caller is in the room; True the first time."""
        answer = await self._joined(
            keys=[keys.call(call_id), keys.CALLS_DUE], args=[call_id, NO_AGENT_MS]
        )
        return bool(answer)

    async def claim_due(self, *, hold_ms: int = 2_000, limit: int = 20) -> list[str]:
        """Calls that somebody must look at now; nobody else is given them for `hold_ms`."""
        answer = await self._claim_due(keys=[keys.CALLS_DUE], args=[hold_ms, limit])
        return cast("list[str]", answer)

    async def due_at(self, call_id: str, at_ms: int) -> None:
        """Puts the next look at a call at `at_ms`, Redis TIME in milliseconds."""
        await self._redis.zadd(keys.CALLS_DUE, {call_id: at_ms})

    async def not_due(self, call_id: str) -> None:
        """Takes a call off the watch, e.g. one whose retention is over."""
        await self._redis.zrem(keys.CALLS_DUE, call_id)

    async def end(self, call: Call, how: EndReason, *, held: HeldCall | None = None) -> EndResult:
        """Ends the call unless it has ended: state, log entry and `call.ended` in one step.

        An agent shows its hold, and NotOwner is raised when another one has the call by now; the
        gateway shows none.
        """
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
                uuid7(),
                self._source,
                uuid7(),
                isoformat(self._clock.now()),
                call.lead_id,
                self._keep_log_s,
            ],
        )
        done, said = int(answer[0]), str(answer[1] or "")
        if done == -1:
            raise NotOwner(f"call {call.id} is held by another agent")
        return EndResult(first=done == 1, outcome=cast("Outcome", said) if done == 1 else None)

    async def _own(self, script: Any, held: HeldCall, *more: int) -> None:
        answer = await script(
            keys=[keys.call(held.call_id), keys.CALLS_DUE],
            args=[held.call_id, held.attempt, *more],
        )
        if not answer:
            raise NotOwner(f"call {held.call_id} is not held by attempt {held.attempt}")

    async def _hash(self, key: str) -> dict[str, Any]:
        return cast("dict[str, Any]", await self._redis.hgetall(key))


def _flat(fields: dict[str, str]) -> Sequence[str]:
    return [part for pair in fields.items() for part in pair]
