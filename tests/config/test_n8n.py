"""What a gateway sees of profiles while N8N is down, starts, is slow, or answers wrongly."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from services.config import refresh
from services.sandbox.n8n import N8nStandIn
from shared.bus import Bus
from shared.errors import Unavailable
from shared.events import ProfileWanted
from shared.profiles import ProfileReader
from shared.profiles.record import read
from shared.redis.client import now_ms
from tests.config.conftest import CLINIC, TIMEOUT, Start, fetches, forget, settled
from tests.waiting import until


async def test_n8n_down_with_a_last_good_profile(
    start: Start, reader: ProfileReader, server: TestServer
) -> None:
    """Every call would end with N8N."""
    replica = await start(ttl=0.01)
    first = await reader.get("clinic")
    await server.close()
    await replica.refresher.fulfil("clinic", fresh=True)
    forget(reader)
    assert await reader.get("clinic") == first
    assert replica.health.status == "degraded"
    assert "N8N cannot be reached" in replica.health.reasons["n8n"]


async def test_n8n_down_from_the_start(
    start: Start, reader: ProfileReader, server: TestServer
) -> None:
    """A caller would get somebody else's agent: the built-in one for a clinic."""
    await start()
    await server.close()
    for agent_id in ("clinic", "default"):
        with pytest.raises(Unavailable) as caught:
            await reader.get(agent_id)
        assert caught.value.retry_after > 0
        assert "N8N cannot be reached" in caught.value.message


async def test_a_file_serves_when_n8n_is_down(
    start: Start, reader: ProfileReader, server: TestServer, tmp_path: Path
) -> None:
    """The operator's own provision for such a day would lie idle."""
    (tmp_path / "clinic.json").write_text('{"name": "From the file"}')
    await start(folder=tmp_path)
    await server.close()
    assert (await reader.get("clinic")).profile.name == "From the file"


async def test_n8n_that_comes_back_is_used_again(
    start: Start, reader: ProfileReader, n8n: N8nStandIn
) -> None:
    """After an outage agents would stay as they were."""
    replica = await start()
    n8n.set_faults([{"kind": "down"}])
    with pytest.raises(Unavailable):
        await reader.get("clinic")
    assert replica.refresher.to_probe == "clinic"
    n8n.set_faults([])
    await replica.refresher.fulfil("clinic", fresh=True)
    assert (await reader.get("clinic")).profile.name == "Clinic"
    assert replica.health.status == "ok"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("500", "N8N answered 500"),
        ("empty", "empty answer"),
        ("nonsense", "not JSON"),
        ("not_registered", "not registered"),
        ("403", "N8N_AUTH_HEADER"),
        ("started", "no profile"),
    ],
)
async def test_nonsense_from_n8n_leaves_the_last_good_profile(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, kind: str, reason: str
) -> None:
    """A broken workflow would take the agents down, or silently."""
    replica = await start(pause_ms=1)
    first = await reader.get("clinic")
    n8n.set_faults([{"kind": kind, "path": "agent-config"}])
    await replica.refresher.fulfil("clinic", fresh=True)
    forget(reader)
    assert await reader.get("clinic") == first
    assert reason in " ".join(replica.health.reasons.values())


async def test_a_slow_n8n_is_given_up_in_time(
    start: Start, reader: ProfileReader, n8n: N8nStandIn
) -> None:
    """A caller would hear nothing for as long as N8N likes."""
    await start()
    n8n.set_faults([{"kind": "slow", "ms": 60_000}])
    async with asyncio.timeout(2 * TIMEOUT):
        with pytest.raises(Unavailable, match="did not answer within"):
            await reader.get("clinic")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"greeting": 7}, "greeting"),
        ({"qualification_questions": [{"key": "Bad Key", "question": "?"}]}, "qualification"),
        ({"id": "other"}, "id"),
    ],
)
async def test_an_invalid_profile_is_named_and_not_used(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, wrong: dict[str, Any], field: str
) -> None:
    """A typing mistake in N8N would reach the callers."""
    replica = await start(pause_ms=1)
    first = await reader.get("clinic")
    n8n.profiles.put("clinic", CLINIC | wrong)
    await replica.refresher.fulfil("clinic", fresh=True)
    forget(reader)
    assert await reader.get("clinic") == first
    assert field in replica.health.reasons["profile:clinic"]
    n8n.profiles.put("clinic", CLINIC)
    await replica.refresher.fulfil("clinic", fresh=True)
    assert replica.health.status == "ok"


async def test_what_is_left_out_of_a_profile_is_said_until_it_is_mended(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, redis: Redis
) -> None:
    """An operator would wonder for ever why the agent does not speak French."""
    replica = await start(pause_ms=1)
    n8n.profiles.put("clinic", CLINIC | {"translations": {"fr-FR": {}, "hi": {"greeting": "!"}}})
    profile = (await reader.get("clinic")).profile
    assert list(profile.translations) == ["hi-IN"]
    for _ in range(2):  # the second time N8N might say that nothing has changed
        assert "translations.fr-FR" in replica.health.reasons["profile:clinic"]
        assert "translations.fr-FR" in (await read(redis, "clinic")).fault
        await replica.refresher.fulfil("clinic", fresh=True)
    n8n.profiles.put("clinic", CLINIC)
    await replica.refresher.fulfil("clinic", fresh=True)
    assert replica.health.status == "ok"
    assert (await read(redis, "clinic")).fault == ""


@pytest.mark.parametrize("kind", ["not_registered", "500", "reset", "down"])
async def test_an_n8n_that_starts_is_asked_again_while_somebody_waits(
    start: Start, n8n: N8nStandIn, redis: Redis, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The first caller of an agent would be sent away because N8N was a second late."""
    monkeypatch.setattr(refresh, "ASK_AGAIN_S", 0.02)
    await start()
    n8n.set_faults([{"kind": kind, "count": 3}])
    async with ProfileReader(redis, Bus(redis, source="gateway").publish, timeout=20) as reader:
        assert (await reader.get("clinic")).profile.name == "Clinic"


async def test_who_comes_while_others_wait_has_all_of_the_time(
    start: Start, n8n: N8nStandIn, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second caller would be sent away with the first, seconds before N8N is there."""
    monkeypatch.setattr(refresh, "ASK_AGAIN_S", 0.02)
    await start()
    n8n.set_faults([{"kind": "not_registered"}])
    publish = Bus(redis, source="gateway").publish
    async with (
        ProfileReader(redis, publish, timeout=0.9) as first,
        ProfileReader(redis, publish, timeout=20) as second,
    ):
        sooner = asyncio.create_task(first.get("clinic"))

        async def fetching() -> bool:
            return (await read(redis, "clinic")).refreshing_until_ms > 0

        await until(fetching)
        later = asyncio.create_task(second.get("clinic"))
        with pytest.raises(Unavailable, match="not registered"):
            await sooner
        n8n.set_faults([])
        assert (await later).profile.name == "Clinic"


async def test_who_comes_after_an_n8n_that_was_starting_is_not_sent_away_at_once(
    start: Start, n8n: N8nStandIn, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """config asks once when it starts itself: for seconds no caller would get the agent."""
    monkeypatch.setattr(refresh, "ASK_AGAIN_S", 0.02)
    replica = await start()
    n8n.set_faults([{"kind": "not_registered", "count": 2}])
    await replica.refresher.fulfil("clinic")
    assert (await read(redis, "clinic")).failed_until_ms > await now_ms(redis)
    async with ProfileReader(redis, Bus(redis, source="gateway").publish, timeout=20) as reader:
        assert (await reader.get("clinic")).profile.name == "Clinic"


async def test_a_refusal_is_told_at_once(start: Start, n8n: N8nStandIn, redis: Redis) -> None:
    """Waiting does not help against a wrong key: a caller would listen to silence."""
    await start()
    n8n.set_faults([{"kind": "403"}])
    async with ProfileReader(redis, Bus(redis, source="gateway").publish, timeout=20) as reader:
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable, match="refuses"):
                await reader.get("clinic")
            before = fetches(n8n)
            with pytest.raises(Unavailable, match="refuses"):
                await reader.get("clinic")
    assert fetches(n8n) == before


async def test_an_n8n_that_does_not_start_is_given_up_when_nobody_waits_any_more(
    start: Start, n8n: N8nStandIn, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N8N would be asked for ever for callers who have left, and nobody be told why."""
    monkeypatch.setattr(refresh, "ASK_AGAIN_S", 0.02)
    replica = await start()
    n8n.set_faults([{"kind": "not_registered"}])
    await replica.refresher.fulfil("clinic", expires_ms=await now_ms(redis) + 1_500)
    assert "not registered" in (await read(redis, "clinic")).fault
    assert replica.refresher.to_probe == "clinic"


async def test_nobody_waits_for_a_stale_profile_so_n8n_is_asked_once(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, redis: Redis
) -> None:
    """An N8N that is down would be hammered for callers who have long been served."""
    await start(ttl=0.01)
    await reader.get("clinic")
    forget(reader)
    n8n.set_faults([{"kind": "500", "path": "agent-config"}])
    before = fetches(n8n)
    await reader._wish(ProfileWanted(agent_id="clinic"))
    await settled(redis)
    assert fetches(n8n) <= before + 1
