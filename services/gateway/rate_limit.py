"""How many calls an address may open: a sliding window in Redis, the same for all replicas."""

from ipaddress import IPv6Address, ip_address
from math import ceil

from redis.asyncio import Redis

from shared.errors import TooMany
from shared.ids import uuid7
from shared.redis import keys

WINDOW_MS = 60_000

# One member per accepted request, scored by its time. A refused request leaves no trace, so that
# knocking does not prolong the wait.
# KEYS window   ARGV window_ms, limit, member   -> milliseconds to wait, 0 = accepted
_WINDOW = """
local t = redis.call('TIME')
local at = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at - ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return math.max(1, oldest[2] + ARGV[1] - at)
end
redis.call('ZADD', KEYS[1], at, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 0
"""


class RateLimit:
    """`per_minute` requests of one kind for each address in any 60 seconds."""

    def __init__(self, redis: Redis, *, kind: str, per_minute: int) -> None:
        self._kind = kind
        self._per_minute = per_minute
        self._script = redis.register_script(_WINDOW)

    async def take(self, address: str) -> None:
        """Counts one request. Raises TooMany with the seconds until there is room again."""
        key = keys.limit(self._kind, counted(address))
        wait = int(await self._script(keys=[key], args=[WINDOW_MS, self._per_minute, uuid7()]))
        if wait:
            raise TooMany(
                f"more than {self._per_minute} calls a minute from one address",
                retry_after=max(1, ceil(wait / 1000)),
            )


def counted(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that an IPv6 host picks from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
