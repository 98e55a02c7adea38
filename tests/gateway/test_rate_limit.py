"""How many calls one address may open."""

import asyncio

import pytest
from redis.asyncio import Redis

from services.gateway import rate_limit
from services.gateway.rate_limit import WINDOW_MS, RateLimit, counted_as
from shared.errors import TooMany
from shared.redis.scripts import load_script


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_what_counts_as_one_address(address: str, one: str) -> None:
    """An IPv6 host has 2^64 addresses to open calls from."""
    assert counted_as(address) == one


async def test_a_limit_is_exact_over_replicas_and_for_each_address(redis: Redis) -> None:
    """Two gateways at once must not let twice as many through."""
    replicas = [RateLimit(redis, kind="tokens", per_minute=10) for _ in range(2)]
    attempts = [replicas[n % 2].take("203.0.113.7") for n in range(30)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, TooMany)]
    assert len(outcomes) - len(refused) == 10
    assert all(58 <= (refusal.retry_after or 0) <= 60 for refusal in refused)
    await replicas[0].take("203.0.113.8")


async def test_room_is_made_as_the_window_moves_on(redis: Redis) -> None:
    """Who waited as long as Retry-After said is let in."""
    limits = RateLimit(redis, kind="tokens", per_minute=1)
    await limits.take("203.0.113.7")
    [key] = await redis.keys("*limit*")
    [member] = await redis.zrange(key, 0, -1)
    await redis.zincrby(key, -60_001, str(member))
    await limits.take("203.0.113.7")


async def test_the_script_says_how_long_to_wait_and_counts_no_refusal(redis: Redis) -> None:
    """Who asks again too early must not have to wait longer for it."""
    script = load_script(redis, rate_limit.__file__, "rate_limit")
    assert await script(keys=["window"], args=[WINDOW_MS, 1, "first"]) == 0
    for member in ("second", "third"):
        wait = await script(keys=["window"], args=[WINDOW_MS, 1, member])
        assert WINDOW_MS - 5_000 < wait <= WINDOW_MS
    assert await redis.zrange("window", 0, -1) == ["first"]
    assert 0 < await redis.pttl("window") <= WINDOW_MS
