"""How many calls an address may open: a sliding window in Redis, the same for all replicas."""

from ipaddress import IPv6Address, ip_address
from math import ceil

from redis.asyncio import Redis

from shared.errors import TooMany
from shared.ids import uuid7
from shared.redis import keys
from shared.redis.scripts import load_script

WINDOW_MS = 60_000


class RateLimit:
    """`per_minute` requests of one kind for each address in any 60 seconds."""

    def __init__(self, redis: Redis, *, kind: str, per_minute: int) -> None:
        self._kind = kind
        self._per_minute = per_minute
        self._script = load_script(redis, __file__, "rate_limit")

    async def take(self, address: str) -> None:
        """Counts one request. Raises TooMany with the seconds until there is room again."""
        key = keys.limit(self._kind, counted_as(address))
        wait = int(await self._script(keys=[key], args=[WINDOW_MS, self._per_minute, uuid7()]))
        if wait:
            raise TooMany(
                f"more than {self._per_minute} calls a minute from one address",
                retry_after=max(1, ceil(wait / 1000)),
            )


def counted_as(address: str) -> str:
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
