"""Profiles fetched, kept, refreshed and invalidated, as a gateway sees them."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.sandbox.n8n import N8nStandIn
from shared.errors import NotFound, Unavailable
from shared.events import ProfileWanted
from shared.profiles import ProfileReader, default_profile
from shared.profiles.record import read
from shared.redis import keys
from shared.redis.client import now_ms
from tests.config.conftest import CLINIC, Start, fetches, forget, settled
from tests.waiting import until


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
    await asyncio.sleep(0.02)  # the time to live is over, by the clock of Redis
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


@pytest.mark.parametrize(
    "wrong",
    [
        {"profile": "{"},
        {"profile": '{"language": "klingon"}', "version": "1", "fresh_until_ms": str(2**52)},
        {"fetched_ms": "soon"},
        {"origin": "another version's"},
    ],
)
async def test_a_record_that_cannot_be_read_is_fetched_anew(
    start: Start, reader: ProfileReader, redis: Redis, wrong: dict[str, str]
) -> None:
    """After a release, or by one bad write, an agent would have no calls for good."""
    await start()
    await redis.hset(keys.profile("clinic"), mapping=wrong)  # type: ignore[arg-type] # of str
    assert (await reader.get("clinic")).profile.name == "Clinic"
