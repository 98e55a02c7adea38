"""Entries that a group has given up: kept with the reason until somebody acts on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from shared.bus.entry import TRIES, Address, Entry, number
from shared.bus.retry import with_tries
from shared.redis import keys
from shared.redis.scripts import flat, load_script

# What a letter holds beside the entry that it was.
_ADDED = ("dead_ms", "why", "origin", "was", TRIES)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`id` is the letter's own, `why` the kind of fault (never what the entry held)."""

    id: str
    type: str
    event_id: str
    why: str
    tries: int
    dead_ms: int
    fields: dict[str, str]


class DeadLetters:
    """The dead letters of one group of one stream."""

    def __init__(self, redis: Redis, stream: str, group: str) -> None:
        self._redis = redis
        self._stream = stream
        self._group = group
        self._key = keys.dead_letters(stream, group)
        self._dead_letter = load_script(redis, __file__, "dead_letter", "owned")
        self._replay = load_script(redis, __file__, "replay")

    async def add(self, address: Address, entry: Entry, why: str) -> bool:
        """Gives the entry up: letter and acknowledgement in one step.

        False when the entry is not ours any more.
        """
        letter = with_tries(_of_entry(entry.fields), entry.tries + 1)
        letter |= {"why": why, "origin": entry.id}
        letter_id = await self._dead_letter(
            keys=[entry.stream, self._key, keys.handled(self._group, entry.event_id)],
            args=[self._group, entry.id, address.consumer, *flat(letter)],
        )
        return letter_id is not None

    async def count(self) -> int:
        return int(await self._redis.xlen(self._key))

    async def list(self, *, after: str = "-", limit: int = 100) -> list[DeadLetter]:
        """The oldest first, from the one after `after`."""
        start = after if after == "-" else f"({after}"
        raw = await self._redis.xrange(self._key, min=start, max="+", count=limit)
        return [_letter(*entry) for entry in cast("Any", raw)]

    async def replay(self, letter_id: str) -> bool:
        """Sends the letter to its group again, as if for the first time; False if it was gone."""
        raw = cast("Any", await self._redis.xrange(self._key, min=letter_id, max=letter_id))
        if not raw:
            return False
        _, fields = raw[0]
        entry = _of_entry(fields)
        moved = await self._replay(
            keys=[self._key, keys.retry_stream(self._stream, self._group)],
            args=[letter_id, *flat(entry or {"type": ""})],
        )
        return bool(moved)


def _letter(letter_id: str, fields: Mapping[str, str]) -> DeadLetter:
    return DeadLetter(
        id=letter_id,
        type=fields.get("type", ""),
        event_id=fields.get("id", ""),
        why=fields.get("why", ""),
        tries=number(fields.get(TRIES, "")),
        dead_ms=number(fields.get("dead_ms", "")),
        fields=_of_entry(fields),
    )


def _of_entry(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields that came from the stream."""
    return {name: value for name, value in fields.items() if name not in _ADDED}
