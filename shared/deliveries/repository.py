"""Finding deliveries, in a few round trips however many, and sending one again.

All other changes are the leads service's to make.
"""

import json
from collections.abc import AsyncIterator, Sequence
from typing import cast

from redis.asyncio import Redis

from shared.deliveries.model import Attempt, Delivery, DeliveryState, DestinationState
from shared.errors import NotFound
from shared.redis import keys
from shared.redis.hashes import read_hashes
from shared.redis.scripts import load_script

# States that have a set of their own, and those whose newest revision is always in the set of what
# is due. The others are final, and found by looking through the index.
_SETS = {"dead": keys.deliveries_dead, "parked": keys.deliveries_parked}
_DUE: frozenset[DeliveryState] = frozenset({"scheduled", "posting", "retrying"})
PAGE = 1_000  # subjects looked at in one step, a millisecond of Redis' time

# A set, and members of it: a subject, or "SUBJECT.REVISION".
_Page = tuple[str, list[str]]


class Deliveries:
    """The deliveries in Redis, for whoever shows them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._in_state = load_script(redis, __file__, "in_state")
        self._replay = load_script(redis, __file__, "replay")

    async def get(self, destination: str, subject: str) -> Delivery:
        """One delivery with its attempts, the oldest first. Raises NotFound."""
        found = await self.many(destination, [subject], attempts=True)
        if not found:
            raise NotFound(f"{subject} was never to be sent to {destination}", code="not_delivered")
        return found[0]

    async def many(
        self, destination: str, subjects: Sequence[str], *, attempts: bool = False
    ) -> list[Delivery]:
        """Those of these deliveries that there are, in two round trips for every PAGE of them."""
        found: list[Delivery] = []
        for start in range(0, len(subjects), PAGE):
            found += await self._read(destination, subjects[start : start + PAGE], attempts)
        return found

    async def latest(
        self, destination: str, *, state: DeliveryState | None = None, limit: int = 100
    ) -> list[Delivery]:
        """The newest first, without their attempts; all of them, or those in one state.

        What is dead or parked, and what is still to be sent, is in small sets that every version
        keeps. What is final is looked for in the index of all that there was within the retention,
        page by page from the newest on, until there is enough: a set for each of these states would
        be right only for what this version has written, and not while older replicas write too.
        Nearly all of a year is acknowledged, so the first page has enough of them; to find that
        nothing is in a rare state (erased, superseded) takes two round trips for each page.
        """
        found: dict[str, Delivery] = {}
        gone: list[_Page] = []
        async for key, members in self._pages(destination, state, limit):
            subjects = [each for each in dict.fromkeys(map(_subject, members)) if each not in found]
            chosen, without = await self._choose(destination, state, subjects)
            read = await self.many(destination, chosen[: limit - len(found)])
            found |= {each.subject: each for each in read if state in (None, each.state)}
            gone.append((key, [each for each in members if _subject(each) in without]))
            if len(found) == limit:
                break
        await self._forget(destination, gone)
        return list(found.values())

    async def counts(self, destination: str) -> dict[str, int]:
        """How many wait (in flight included), are parked, are dead."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(keys.deliveries_due(destination))
            pipe.zcard(keys.deliveries_parked(destination))
            pipe.zcard(keys.deliveries_dead(destination))
            waiting, parked, dead = await pipe.execute()
        return {"waiting": int(waiting) - int(parked), "parked": int(parked), "dead": int(dead)}

    async def replay(self, destination: str, subject: str) -> bool:
        """Makes the newest revision due at once, with its whole budget and the same key as before.

        False when there is nothing to do: it is acknowledged, in flight or about to be sent.
        Raises NotFound.
        """
        answer = await self._replay(
            keys=[
                keys.delivery(destination, subject),
                keys.deliveries_due(destination),
                keys.deliveries_dead(destination),
                keys.deliveries_parked(destination),
            ],
            args=[
                subject,
                keys.call_log("%s"),
                json.dumps({"destination": destination, "subject": subject, "state": "scheduled"}),
            ],
        )
        if int(answer) == -1:
            raise NotFound(f"{subject} was never to be sent to {destination}", code="not_delivered")
        return bool(answer)

    async def destination(self, name: str) -> DestinationState:
        fields = cast("dict[str, str]", await self._redis.hgetall(keys.destination(name)))
        return DestinationState(
            open="open_until" in fields,
            reason=fields.get("reason", ""),
            failures=int(fields.get("failures", 0)),
            opened_ms=int(fields["opened_ms"]) if "opened_ms" in fields else None,
            probe_ms=int(fields["open_until"]) if "open_until" in fields else None,
        )

    async def _read(
        self, destination: str, subjects: Sequence[str], attempts: bool
    ) -> list[Delivery]:
        hashes = await read_hashes(
            self._redis, [keys.delivery(destination, subject) for subject in subjects]
        )
        found = [
            Delivery.from_hash(destination, subject, fields)
            for subject, fields in zip(subjects, hashes, strict=True)
            if "wanted" in fields
        ]
        async with self._redis.pipeline(transaction=False) as pipe:
            for each in found:
                pipe.zscore(keys.deliveries_due(destination), f"{each.subject}.{each.revision}")
            for each in found if attempts else ():
                pipe.lrange(keys.delivery_attempts(destination, each.subject), 0, -1)
            answers = await pipe.execute()
        due = answers[: len(found)]
        histories = answers[len(found) :] if attempts else [[]] * len(found)
        return [
            each.model_copy(
                update={
                    "next_ms": None if score is None else int(score),
                    "attempts": tuple(map(Attempt.model_validate_json, history)),
                }
            )
            for each, score, history in zip(found, due, histories, strict=True)
        ]

    async def _choose(
        self, destination: str, state: DeliveryState | None, subjects: list[str]
    ) -> tuple[list[str], set[str]]:
        """Those of the subjects that are in the state, and those that have no delivery any more."""
        chosen, gone = await self._in_state(
            args=[keys.delivery(destination, "%s"), state or "", *subjects]
        )
        return chosen, set(gone)

    async def _pages(
        self, destination: str, state: DeliveryState | None, limit: int
    ) -> AsyncIterator[_Page]:
        """Where deliveries in this state are, a page at a time, the newest first."""
        if state in _DUE:
            members = await self._due_newest_first(destination)
            for start in range(0, len(members), PAGE):
                yield keys.deliveries_due(destination), members[start : start + PAGE]
            return
        key = _SETS.get(state or "", keys.deliveries_index)(destination)
        start, size = 0, PAGE if state else min(PAGE, limit)
        while page := await self._redis.zrevrange(key, start, start + size - 1):
            yield key, cast("list[str]", page)
            start += size

    async def _due_newest_first(self, destination: str) -> list[str]:
        """All that is to be sent, by when it was wanted; the set itself goes by when it is due."""
        key = keys.deliveries_due(destination)
        members = cast("list[str]", await self._redis.zrange(key, 0, -1))
        async with self._redis.pipeline(transaction=False) as pipe:
            for start in range(0, len(members), PAGE):
                subjects = [_subject(each) for each in members[start : start + PAGE]]
                pipe.zmscore(keys.deliveries_index(destination), subjects)
            wanted = [score or 0.0 for scores in await pipe.execute() for score in scores]
        newest = sorted(zip(wanted, members, strict=True), reverse=True)
        return [member for _, member in newest]

    async def _forget(self, destination: str, gone: list[_Page]) -> None:
        """Drops from the sets what has no delivery any more; claims look after what is due."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, members in gone:
                if members and key != keys.deliveries_due(destination):
                    pipe.zrem(key, *members)
            await pipe.execute()


def _subject(member: str) -> str:
    """Of "SUBJECT.REVISION", or of a bare subject: subjects are UUIDs, and have no dots."""
    return member.partition(".")[0]
