"""Profiles through N8N's good days and bad ones, as a gateway sees them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from services.config import refresh
from services.sandbox.n8n import N8nStandIn
from shared.bus import Bus
from shared.errors import NotFound, Unavailable
from shared.events import ProfileWanted
from shared.profiles import ProfileReader, default_profile
from shared.profiles.record import read
from shared.redis import keys
from shared.redis.client import now_ms
from tests.config.conftest import CLINIC, TIMEOUT, Start
from tests.waiting import until


def fetches(n8n: N8nStandIn) -> int:
    return n8n.profile_requests


def forget(reader: ProfileReader) -> None:
    """As if the 30 s for which a process holds a profile were over."""
    reader._held.clear()


async def test_a_profile_comes_from_n8n(
    start: Start, reader: ProfileReader, n8n: N8nStandIn
) -> None:
    """No agent of the operator's would ever answer a call."""
    replica = await start()
    snapshot = await reader.get("clinic")
    assert snapshot.profile.name == "Clinic"
    assert snapshot.profile.questions()[0].key == "q1"
    assert replica.health.status == "ok"
    forget(reader)
    await reader.get("clinic")
    assert fetches(n8n) == 1


async def test_many_readers_and_two_replicas_make_one_fetch(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, redis: Redis
) -> None:
    """A busy page would hammer N8N, once for each caller."""
    n8n.update_settings({"SANDBOX_N8N_MS": 50})
    await start()
    await start()
    others = [reader._wish(ProfileWanted(agent_id="clinic")) for _ in range(10)]
    await asyncio.gather(reader.get("clinic"), *others)
    await settled(redis)
    assert fetches(n8n) == 1


async def settled(redis: Redis) -> None:
    """Until no wish is waiting or in hand."""

    async def done() -> bool:
        groups = await redis.xinfo_groups(keys.PROFILES_WANTED)
        return bool(groups) and groups[0]["pending"] == 0 and not groups[0]["lag"]

    await until(done)


async def test_a_stale_profile_serves_while_it_is_fetched_anew(
    start: Start, reader: ProfileReader, n8n: N8nStandIn
) -> None:
    """A caller would wait for N8N at every expiry."""
    await start(ttl=0.05)
    first = await reader.get("clinic")
    await asyncio.sleep(0.06)  # the time to live is over
    n8n.profiles.put("clinic", CLINIC | {"name": "New"})
    n8n.update_settings({"SANDBOX_N8N_MS": 100})
    forget(reader)
    begun = asyncio.get_running_loop().time()
    stale = await reader.get("clinic")
    assert asyncio.get_running_loop().time() - begun < 0.1
    assert stale.version == first.version

    async def renewed() -> bool:
        return (await reader.get("clinic")).profile.name == "New"

    await until(renewed)


async def test_an_unchanged_profile_is_confirmed_without_its_body(
    start: Start, reader: ProfileReader, redis: Redis
) -> None:
    """The version would change, or the profile be lost, at a 304."""
    replica = await start(ttl=0.01)
    first = await reader.get("clinic")
    before = await read(redis, "clinic")
    await asyncio.sleep(0.02)
    await replica.refresher.fulfil("clinic")
    after = await read(redis, "clinic")
    assert after.fetched_ms > before.fetched_ms
    assert (after.version, after.profile) == (first.version, first.profile)


async def test_an_unknown_agent_is_not_found_and_soon_asked_again(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, redis: Redis
) -> None:
    """A wrong id would get somebody else's agent, or N8N a request for every try."""
    await start()
    with pytest.raises(NotFound):
        await reader.get("nobody")
    with pytest.raises(NotFound):
        await reader.get("nobody")
    assert fetches(n8n) == 1
    record = await read(redis, "nobody")
    assert 0 < record.unknown_until_ms - await now_ms(redis) <= 10_000
    assert await redis.ttl(keys.profile("nobody")) > 0  # anybody may ask: it must not pile up


async def test_the_builtin_agent_serves_when_n8n_has_no_default(
    start: Start, reader: ProfileReader
) -> None:
    """A fresh N8N without workflows' data would leave the page without any agent."""
    await start()
    assert (await reader.get("default")).profile == default_profile()


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


async def test_unknown_and_empty_fields_are_ignored(
    start: Start, reader: ProfileReader, n8n: N8nStandIn
) -> None:
    """A table with more columns, or empty cells, would have no agents."""
    n8n.profiles.put("clinic", CLINIC | {"createdAt": "2026", "voice": None})
    await start()
    assert (await reader.get("clinic")).profile.voice is None


async def test_an_agent_deleted_in_n8n_is_gone_for_good(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, tmp_path: Path
) -> None:
    """A deleted agent would go on answering, or come back as an old file."""
    (tmp_path / "clinic.json").write_text('{"name": "From the file"}')
    replica = await start(folder=tmp_path)
    await reader.get("clinic")
    n8n.profiles.remove("clinic")
    await replica.refresher.fulfil("clinic", fresh=True)
    forget(reader)
    with pytest.raises(NotFound):
        await reader.get("clinic")


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


async def test_files_serve_without_n8n(start: Start, reader: ProfileReader, tmp_path: Path) -> None:
    """Who has no N8N could have no agent but the built-in one."""
    (tmp_path / "school.json").write_text('{"name": "School"}')
    (tmp_path / "broken.json").write_text("{")
    await start(use_n8n=False, folder=tmp_path)
    assert (await reader.get("school")).profile.name == "School"
    assert (await reader.get("default")).profile.name == default_profile().name
    with pytest.raises(NotFound):
        await reader.get("nobody")
    with pytest.raises(Unavailable, match=r"broken\.json"):
        await reader.get("broken")


async def test_an_invalidation_fetches_however_fresh_the_profile_is(
    start: Start, reader: ProfileReader, n8n: N8nStandIn
) -> None:
    """A changed agent would take a minute to change."""
    await start()
    await reader.get("clinic")
    n8n.profiles.put("clinic", CLINIC | {"name": "New"})
    await reader.invalidate("clinic")
    assert (await reader.get("clinic")).profile.name == "New"


async def test_invalidations_in_a_row_make_few_fetches(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, redis: Redis
) -> None:
    """Anybody could make us hammer N8N through a public route."""
    await start(pause_ms=300)
    await reader.get("clinic")
    await reader.invalidate("clinic")
    assert fetches(n8n) == 2
    n8n.profiles.put("clinic", CLINIC | {"name": "Newer"})
    await asyncio.gather(*(reader.invalidate("clinic") for _ in range(5)))
    await settled(redis)
    assert fetches(n8n) == 3  # at the end of the pause, one for all five
    assert (await reader.get("clinic")).profile.name == "Newer"


async def test_readers_wait_for_an_invalidation_under_way(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, redis: Redis
) -> None:
    """Two pages would show two versions right after an invalidation."""
    await start()
    await reader.get("clinic")
    n8n.profiles.put("clinic", CLINIC | {"name": "New"})
    n8n.update_settings({"SANDBOX_N8N_MS": 150})
    invalidation = asyncio.create_task(reader.invalidate("clinic"))

    async def under_way() -> bool:
        return (await read(redis, "clinic")).refreshing_until_ms > 0

    await until(under_way)
    forget(reader)
    assert (await reader.get("clinic")).profile.name == "New"
    await invalidation


async def test_a_wish_that_nobody_waits_for_is_not_fulfilled(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, redis: Redis
) -> None:
    """After an hour's outage config would fetch for callers who left long ago."""
    await reader._wish(ProfileWanted(agent_id="clinic", expires_ms=1))
    await start()
    await settled(redis)
    assert fetches(n8n) == 0


@pytest.mark.parametrize("agent_id", ["../secret", "", "a b", "a:fetch"])
async def test_an_id_that_is_no_id_is_not_looked_for(
    start: Start, reader: ProfileReader, n8n: N8nStandIn, redis: Redis, agent_id: str
) -> None:
    """A crafted id would read files, or write keys, that are none of its business."""
    await start()
    await reader._wish(ProfileWanted(agent_id=agent_id))
    await settled(redis)
    assert fetches(n8n) == 0
    assert await redis.keys("bolchaal:profile:*") == []
