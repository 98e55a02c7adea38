"""The merge script: the one writer of `lead:ID`, and the boundary at which "saved" becomes true.

When `apply` returns, the change is in Redis (under appendfsync always: on its disk), merged with
what was known, and the event that leads to its delivery is on the stream: one step, all or nothing.
"""

import json
from collections.abc import Sequence
from typing import cast

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis

from shared.clock import SYSTEM_CLOCK, Clock, isoformat
from shared.errors import NotFound
from shared.ids import uuid7
from shared.leads.model import Lead, LeadChange, LeadContext
from shared.redis import keys

DAY_S = 86_400

# lead:ID holds revision, complete, final, captured_ms, context, and per field v:KEY (x:KEY for one
# that the profile does not know), o:KEY its order "attempt.sequence" and src:KEY.
#
# KEYS lead, stream leads, call log, call, leads.index
# ARGV context, required JSON, ttl_s, lead_id, call_id, source, event_id, iso_now,
#      then per change: field, JSON value, attempt, sequence, source, known (1 or 0)
_MERGE = """
local t = redis.call('TIME')
local at = t[1] * 1000 + math.floor(t[2] / 1000)
local changed, any = {}, false
for i = 9, #ARGV, 6 do
  local field, value = ARGV[i], ARGV[i + 1]
  local attempt, sequence = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local slot = (ARGV[i + 5] == '1' and 'v:' or 'x:') .. field
  local newer = true
  local order = redis.call('HGET', KEYS[1], 'o:' .. field)
  if order then
    local a, s = string.match(order, '(%d+)%.(%d+)')
    a, s = tonumber(a), tonumber(s)
    newer = attempt > a or (attempt == a and sequence > s)
  end
  if newer then
    redis.call('HSET', KEYS[1], 'o:' .. field, attempt .. '.' .. sequence)
    if redis.call('HGET', KEYS[1], slot) ~= value then
      redis.call('HSET', KEYS[1], slot, value, 'src:' .. field, ARGV[i + 4])
      changed[field] = value
      any = true
    end
  end
end
local ended = redis.call('HGET', KEYS[4], 'state') == 'ended'
if not any then
  local r, c = unpack(redis.call('HMGET', KEYS[1], 'revision', 'complete'))
  return {tonumber(r or 0), tonumber(c or 0), 0}
end
redis.call('HSETNX', KEYS[1], 'captured_ms', at)
redis.call('HSETNX', KEYS[1], 'context', ARGV[1])
if ended then redis.call('HSET', KEYS[1], 'final', 1) end
local complete = 1
for _, key in ipairs(cjson.decode(ARGV[2])) do
  local value = redis.call('HGET', KEYS[1], 'v:' .. key)
  if not value or value == 'null' or value == '""' then complete = 0 end
end
local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('HSET', KEYS[1], 'complete', complete)
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[5], 'NX', at, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', at - ARGV[3] * 1000)
local final = redis.call('HGET', KEYS[1], 'final') == '1'
local postable = complete == 1 or final
local parts = {}
for field, value in pairs(changed) do parts[#parts + 1] = cjson.encode(field) .. ':' .. value end
redis.call('XADD', KEYS[3], '*', 'type', 'lead', 'data', '{"lead_id":' .. cjson.encode(ARGV[4])
  .. ',"revision":' .. revision .. ',"complete":' .. (complete == 1 and 'true' or 'false')
  .. ',"changed":{' .. table.concat(parts, ',') .. '}}')
redis.call('XADD', KEYS[2], '*', 'type', 'lead.changed', 'v', 1, 'id', ARGV[7], 'src', ARGV[6],
  'traceparent', '', 'data', cjson.encode({lead_id = ARGV[4], call_id = ARGV[5],
  revision = revision, postable = postable, at = ARGV[8]}))
return {revision, complete, 1}
"""


class Merged(BaseModel):
    """What `apply` did: `changed` is False when everything was known already, or older."""

    model_config = ConfigDict(frozen=True)

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
        self._merge = redis.register_script(_MERGE)

    async def apply(self, context: LeadContext, changes: Sequence[LeadChange]) -> Merged:
        """Merges changes of one call. Safe to repeat: a change that is known changes nothing."""
        args: list[str | int] = [
            context.model_dump_json(),
            json.dumps(context.required),
            self._keep_s,
            context.lead_id,
            context.call_id,
            self._source,
            uuid7(),
            isoformat(self._clock.now()),
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
        leads = []
        for lead_id in await self._redis.zrevrange(keys.LEADS_INDEX, 0, limit - 1):
            try:
                leads.append(await self.get(str(lead_id)))
            except NotFound:
                await self._redis.zrem(keys.LEADS_INDEX, str(lead_id))
        return leads
