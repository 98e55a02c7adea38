"""Saving what callers say, while Redis or the disk does not play its part."""

import asyncio
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.leads import Leads
from shared.leads.spool import Spool, SpoolError
from shared.leads.store_and_forward import StoreAndForward
from shared.redis.client import connect
from shared.runtime.background import Background
from tests.leads.world import Caller
from tests.shared.leads.changes import change
from tests.valkey import Valkey
from tests.waiting import until


@pytest_asyncio.fixture
async def own_redis(own_valkey: Valkey) -> AsyncIterator[Redis]:
    client = connect(own_valkey.url, retries=0)
    yield client
    await client.aclose()


async def test_while_redis_is_away_changes_are_on_the_disk_and_follow_in_order(
    own_valkey: Valkey, own_redis: Redis, spool: Spool
) -> None:
    """What a caller says during a restart of Redis would be lost."""
    leads, caller = Leads(own_redis, source="agent"), Caller(own_redis)
    troubles: list[tuple[str, str | None]] = []
    saver = StoreAndForward(leads, spool, on_outage=lambda *what: troubles.append(what))
    merged = await saver.apply(caller.context(), [change("name", "Asha", 1)])
    assert merged is not None
    assert merged.revision == 1
    own_valkey.kill()
    assert await saver.apply(caller.context(), [change("phone", "+919876543210", 2)]) is None
    assert await saver.apply(caller.context(), [change("name", "Asha Rao", 3)]) is None
    assert await spool.count() == 2
    assert troubles[-1] == ("redis", "Redis does not answer (ConnectionError)")
    own_valkey.start()
    merged = await saver.apply(caller.context(), [change("city", "Pune", 4)])
    assert merged is not None
    assert (merged.revision, merged.complete) == (4, True), "the spool came first"
    assert await spool.count() == 0
    lead = await leads.get(caller.lead_id)
    assert lead.values == {"name": "Asha Rao", "phone": "+919876543210", "city": "Pune"}
    spool.close()


async def test_the_spool_drains_by_itself(
    own_valkey: Valkey, own_redis: Redis, spool: Spool
) -> None:
    """The last thing that a caller said would stay on the disk until somebody calls again."""
    leads, caller = Leads(own_redis, source="agent"), Caller(own_redis)
    saver = StoreAndForward(leads, spool)
    own_valkey.kill()
    async with Background() as background:
        background.every("spool", 0.02, saver.drain_once)
        await saver.apply(caller.context(), [change("name", "Asha", 1)])
        own_valkey.start()

        async def drained() -> bool:
            return await spool.count() == 0

        await until(drained)
    assert (await leads.get(caller.lead_id)).values == {"name": "Asha"}
    spool.close()


async def test_a_change_that_redis_took_and_the_spool_has_too_counts_once(
    redis: Redis, spool: Spool
) -> None:
    """After a lost answer, an old value would come back over a newer one."""
    leads, caller = Leads(redis, source="agent"), Caller(redis)
    await leads.apply(caller.context(), [change("name", "Asha", 1)])
    await leads.apply(caller.context(), [change("name", "Asha Rao", 2)])
    await spool.add(caller.context(), [change("name", "Asha", 1)])
    await StoreAndForward(leads, spool).drain_once()
    assert await spool.count() == 0
    lead = await leads.get(caller.lead_id)
    assert (lead.values, lead.revision) == ({"name": "Asha Rao"}, 2)
    spool.close()


async def test_a_full_redis_is_a_case_for_the_spool(redis: Redis, spool: Spool) -> None:
    """A full Redis would be taken for a saved lead, or end the call."""
    leads, caller = Leads(redis, source="agent"), Caller(redis)
    troubles: list[tuple[str, str | None]] = []
    saver = StoreAndForward(leads, spool, on_outage=lambda *what: troubles.append(what))
    await redis.config_set("maxmemory", 1)
    assert await saver.apply(caller.context(), [change("name", "Asha", 1)]) is None
    assert troubles == [("redis", "Redis is full (maxmemory): nothing can be saved")]
    await redis.config_set("maxmemory", 0)
    assert await saver.apply(caller.context(), [change("name", "Asha Rao", 2)]) is not None
    spool.close()


async def test_a_redis_that_hangs_is_not_waited_for(
    own_valkey: Valkey, own_redis: Redis, spool: Spool
) -> None:
    """The caller would hear nothing for as long as the time-outs of a connection add up to."""
    caller = Caller(own_redis)
    saver = StoreAndForward(Leads(own_redis, source="agent"), spool, patience=0.1)
    await own_redis.ping()
    own_valkey.pause()
    try:
        async with asyncio.timeout(2.0):
            assert await saver.apply(caller.context(), [change("name", "Asha", 1)]) is None
    finally:
        own_valkey.resume()
    spool.close()


async def test_when_nothing_takes_it_nothing_is_said_to_be_saved(
    own_valkey: Valkey, own_redis: Redis, spool: Spool
) -> None:
    """The agent would say "noted" to a caller whose lead is lost."""
    caller = Caller(own_redis)
    troubles: list[tuple[str, str | None]] = []
    saver = StoreAndForward(
        Leads(own_redis, source="agent"), spool, on_outage=lambda *what: troubles.append(what)
    )
    pages = spool._db.execute("PRAGMA page_count").fetchone()[0]
    spool._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to a full disk
    big = change("story", "x" * 100_000, 1)
    assert await saver.apply(caller.context(), [big]) is not None, "Redis is there"
    own_valkey.kill()
    with pytest.raises(SpoolError, match="disk is full"):
        await saver.apply(caller.context(), [big.model_copy(update={"sequence": 2})])
    assert troubles[-1][0] == "spool"
    assert await spool.count() == 0
    spool.close()


async def test_a_killed_process_leaves_what_it_saved_to_the_next(
    redis: Redis, tmp_path: Path
) -> None:
    """kill -9 of the agent while Redis is away would lose what was said to be saved."""
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from shared.leads import LeadChange, LeadContext\n"
        "from shared.leads.spool import Spool\n"
        "async def main():\n"
        "    spool = Spool(Path(sys.argv[1]))\n"
        "    context = LeadContext.model_validate_json(sys.argv[2])\n"
        "    for n in range(1000):\n"
        "        change = LeadChange(field='name', value=str(n), attempt=1, sequence=n)\n"
        "        await spool.add(context, [change])\n"
        "        print(n, flush=True)\n"
        "asyncio.run(main())\n"
    )
    caller = Caller(redis)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        str(tmp_path),
        caller.context().model_dump_json(),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert process.stdout is not None
    said = -1
    while said < 20:
        said = int(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest, _ = await process.communicate()
    said = int(rest.split()[-1]) if rest.split() else said
    spool = Spool(tmp_path)
    leads = Leads(redis, source="agent")
    await StoreAndForward(leads, spool).apply(caller.context(), [])
    assert int((await leads.get(caller.lead_id)).values["name"]) >= said
    spool.close()


# Faults of the folder


async def test_the_drain_goes_on_when_the_folder_comes_back(
    redis: Redis, spool: Spool, tmp_path: Path
) -> None:
    """Somebody cleans up, and what callers said would stay on the disk until a restart."""
    leads, caller = Leads(redis, source="agent"), Caller(redis)
    told: list[tuple[str, str | None]] = []
    saver = StoreAndForward(leads, spool, on_outage=lambda *what: told.append(what))
    await spool.add(caller.context(), [change("name", "Asha", 1)])
    shutil.rmtree(tmp_path / "spool")
    (tmp_path / "spool").write_text("a file where the folder was")
    await saver.drain_once()
    assert told[-1][0] == "spool"
    assert told[-1][1]
    (tmp_path / "spool").unlink()
    await saver.drain_once()
    assert told[-1] == ("spool", None)
    assert (await leads.get(caller.lead_id)).values == {"name": "Asha"}
    spool.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EROFS, errno.EACCES, errno.ENOLCK])
async def test_the_drain_outlives_every_fault_of_its_lock(
    redis: Redis, spool: Spool, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """An OSError would end it for good: what was spooled stays until the agent is restarted."""
    leads, caller = Leads(redis, source="agent"), Caller(redis)
    told: list[tuple[str, str | None]] = []
    saver = StoreAndForward(leads, spool, on_outage=lambda *what: told.append(what))
    await spool.add(caller.context(), [change("name", "Asha", 1)])
    with monkeypatch.context() as patch:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        patch.setattr(fcntl, "flock", refuse)
        if number != errno.ENOLCK:
            patch.setattr(Path, "open", refuse)
        await saver.drain_once()
    assert told[-1][0] == "spool"
    assert os.strerror(number) in (told[-1][1] or "")
    await saver.drain_once()
    assert told[-1] == ("spool", None)
    assert (await leads.get(caller.lead_id)).values == {"name": "Asha"}
    spool.close()
