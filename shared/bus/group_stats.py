"""How a group is doing: what waits and for how long, what is in hand, what was given up."""

from dataclasses import dataclass

from redis.asyncio import Redis

from shared.bus import metrics
from shared.bus.entry import Address
from shared.redis.client import now_ms

COUNT_AT_MOST = 10_000  # when Redis cannot tell a lag, entries are counted up to this


@dataclass(frozen=True, slots=True)
class GroupStats:
    """Figures of one group, with its retry stream. `oldest_pending_s` is 0 with none pending."""

    lag: int
    pending: int
    oldest_pending_s: float
    scheduled: int
    dead: int


async def read_group_stats(redis: Redis, stream: str, group: str) -> GroupStats:
    """The figures now; zeros for what does not exist yet."""
    address = Address(stream, group, "")
    lag = pending = 0
    oldest: int | None = None
    for each in address.streams:
        waiting, held, first = await _of_stream(redis, each, group)
        lag += waiting
        pending += held
        if first is not None:
            oldest = first if oldest is None else min(oldest, first)
    return GroupStats(
        lag=lag,
        pending=pending,
        oldest_pending_s=0.0 if oldest is None else (await now_ms(redis) - oldest) / 1000,
        scheduled=int(await redis.zcard(address.retry_due)),
        dead=int(await redis.xlen(address.dead_letters)),
    )


def show(stream: str, group: str, stats: GroupStats) -> None:
    """Puts the figures where /metrics reads them."""
    metrics.LAG.labels(stream, group).set(stats.lag)
    metrics.PENDING.labels(stream, group).set(stats.pending)
    metrics.OLDEST.labels(stream, group).set(stats.oldest_pending_s)
    metrics.SCHEDULED.labels(stream, group).set(stats.scheduled)
    metrics.DEAD.labels(stream, group).set(stats.dead)


async def _of_stream(redis: Redis, stream: str, group: str) -> tuple[int, int, int | None]:
    """Lag, pending, and when the oldest pending entry was made (milliseconds since 1970)."""
    if not await redis.exists(stream):
        return 0, 0, None
    groups = await redis.xinfo_groups(stream)
    found = next((each for each in groups if each["name"] == group), None)
    if found is None:
        return int(await redis.xlen(stream)), 0, None
    lag = found["lag"]
    if lag is None:  # after deletions in the middle of the stream Redis does not know
        after = f"({found['last-delivered-id']}"
        lag = len(await redis.xrange(stream, min=after, max="+", count=COUNT_AT_MOST) or ())
    pending = int(found["pending"])
    if not pending:
        return int(lag), 0, None
    summary = await redis.xpending(stream, group)
    first = summary["min"]
    return int(lag), pending, int(str(first).partition("-")[0]) if first else None
