"""Merging what was said into leads: the boundary at which "saved" becomes true.

When `apply` returns, the change is in Redis (under appendfsync always: on its disk), merged with
what was known, and the event that leads to its delivery is on the stream: one step, all or nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

from shared.clock import DAY_S, SYSTEM_CLOCK, Clock
from shared.errors import NotFound
from shared.events import LeadChanged
from shared.events.wire import for_script
from shared.leads.model import Lead, LeadChange, LeadContext
from shared.redis import keys
from shared.redis.hashes import read_hashes
from shared.redis.scripts import load_script


@dataclass(frozen=True, slots=True)
class Merged:
    """What `apply` did: `changed` is False when everything was known already, or older."""

    revision: int
    complete: bool
    changed: bool


class Leads:
    """The leads in Redis. `source` is the service that speaks; `keep_days` is their retention."""

    def __init__(
        self, redis: Redis, *, source: str, keep_days: int = 365, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._redis = redis
        self._source = source
        self._keep_s = keep_days * DAY_S
        self._clock = clock
        self._merge = load_script(redis, __file__, "merge")

    async def apply(self, context: LeadContext, changes: Sequence[LeadChange]) -> Merged:
        """Merges changes of one call. Safe to repeat: a change that is known changes nothing."""
        event = LeadChanged(
            lead_id=context.lead_id,
            call_id=context.call_id,
            revision=0,
            postable=False,
            at=self._clock.now(),
        )
        args: list[str | int] = [
            context.model_dump_json(),
            json.dumps(context.required),
            self._keep_s,
            context.lead_id,
            json.dumps({"lead_id": context.lead_id}),
            for_script(event, self._source, without={"revision", "postable"}),
        ]
        for change in changes:
            args += [
                change.field,
                json.dumps(change.value, ensure_ascii=False),
                change.attempt,
                change.sequence,
                change.source,
                int(change.known),
            ]
        answer = await self._merge(
            keys=[
                keys.lead(context.lead_id),
                keys.LEADS,
                keys.call_log(context.call_id),
                keys.call(context.call_id),
                keys.LEADS_INDEX,
            ],
            args=args,
        )
        revision, complete, changed = (int(part) for part in answer)
        return Merged(revision=revision, complete=bool(complete), changed=bool(changed))

    async def get(self, lead_id: str) -> Lead:
        """Raises NotFound."""
        fields = await self._redis.hgetall(keys.lead(lead_id))
        if not fields:
            raise NotFound(f"no lead {lead_id}", code="unknown_lead")
        return Lead.from_hash(cast("dict[str, str]", fields))

    async def latest(self, limit: int = 50) -> list[Lead]:
        """The newest leads first; those whose retention is over are forgotten on the way."""
        ids = await self.latest_ids(limit)
        leads = await self.many(ids)
        if gone := set(ids) - {lead.context.lead_id for lead in leads}:
            await self._redis.zrem(keys.LEADS_INDEX, *gone)
        return leads

    async def latest_ids(self, limit: int) -> list[str]:
        """Ids of the newest leads first; one whose retention is over may be among them."""
        return cast("list[str]", await self._redis.zrevrange(keys.LEADS_INDEX, 0, limit - 1))

    async def many(self, lead_ids: Sequence[str]) -> list[Lead]:
        """Those of these leads that there are, in the same order."""
        found = await read_hashes(self._redis, [keys.lead(lead_id) for lead_id in lead_ids])
        return [Lead.from_hash(fields) for fields in found if fields]
