"""Rows of the spool that cannot go to Redis: set aside, seen, and in nobody's way."""

import pytest
from redis.asyncio import Redis

from shared.leads import Leads
from shared.leads.spool import Spool
from shared.leads.store_and_forward import StoreAndForward
from shared.redis import keys
from tests.leads.world import Caller
from tests.shared.leads.changes import change

GARBAGE = {
    "no JSON": ("{}", "not json"),
    "a field more without a default": ("{}", '[{"field": "name", "value": "x", "attempt": 1}]'),
    "another type": (
        "{}",
        '[{"field": "name", "value": "x", "attempt": {"n": 1}, "sequence": 1}]',
    ),
    "a context of another version": ('{"lead": 1}', "[]"),
    "a list where an object was": ("[]", "[]"),
    "nothing": ("", ""),
    "a number": (7, 7),
    "bytes that are not UTF-8": (b"{}", b'[{"field": "\xff\xfe"}]'),
    "an endless nest": ("[" * 100_000, "[" * 100_000),
}


def put(spool: Spool, context: object, changes: object, lead_id: object = "lead") -> int:
    """A row as something else than this version has left it."""
    row = (lead_id, context, changes)
    sql = "INSERT INTO changes (lead_id, context, changes) VALUES (?, ?, ?)"
    return int(spool._db.execute(sql, row).lastrowid or 0)


@pytest.mark.parametrize(("context", "changes"), GARBAGE.values(), ids=GARBAGE.keys())
async def test_a_row_that_cannot_be_read_is_set_aside_and_the_others_go(
    redis: Redis, spool: Spool, context: object, changes: object
) -> None:
    """One bad row, and no lead of this machine would ever leave the spool again."""
    leads, caller, other = Leads(redis, source="agent"), Caller(redis), Caller(redis)
    told: list[tuple[str, str | None]] = []
    saver = StoreAndForward(leads, spool, on_outage=lambda *what: told.append(what))
    await spool.add(caller.context(), [change("name", "Asha", 1)])
    bad = [put(spool, context, changes, caller.lead_id) for _ in range(60)]  # more than a page
    await spool.add(caller.context(), [change("city", "Pune", 2)])
    await spool.add(other.context(), [change("name", "Usha", 1)])
    await saver.drain_once()
    assert (await leads.get(caller.lead_id)).values == {"name": "Asha", "city": "Pune"}
    assert (await leads.get(other.lead_id)).values == {"name": "Usha"}
    assert (await spool.count(), await spool.count(set_aside=True)) == (0, 60)
    assert [row.id for row in await spool.set_aside_rows()] == bad
    name, reason = told[-1]
    assert name == "spool"
    assert reason
    assert "60 changes in the spool were set aside" in reason
    spool.close()


async def test_a_bad_row_does_not_keep_what_the_caller_says_now(redis: Redis, spool: Spool) -> None:
    """The call would go on, and nothing of it be noted."""
    caller = Caller(redis)
    put(spool, "{}", "not json", caller.lead_id)
    saver = StoreAndForward(Leads(redis, source="agent"), spool)
    assert await saver.apply(caller.context(), [change("name", "Asha", 1)]) is not None
    assert await spool.count(set_aside=True) == 1
    spool.close()


async def test_what_redis_refuses_for_good_is_set_aside(redis: Redis, spool: Spool) -> None:
    """A key of another type under a lead's name: Redis says no, and will say so tomorrow."""
    leads, refused, other = Leads(redis, source="agent"), Caller(redis), Caller(redis)
    await redis.set(keys.lead(refused.lead_id), "not a hash")
    await spool.add(refused.context(), [change("name", "Asha", 1)])
    await spool.add(other.context(), [change("name", "Usha", 1)])
    await StoreAndForward(leads, spool).drain_once()
    assert (await leads.get(other.lead_id)).values == {"name": "Usha"}
    [row] = await spool.set_aside_rows()
    assert row.fault == "Redis refuses it: ResponseError"
    spool.close()


async def test_what_was_set_aside_is_tried_again_by_the_next_process(
    redis: Redis, spool: Spool
) -> None:
    """An update that reads the row again should not need a person to say so."""
    leads, caller = Leads(redis, source="agent"), Caller(redis)
    first = StoreAndForward(leads, spool)
    await spool.add(caller.context(), [change("name", "Asha", 1)])
    [row] = await spool.waiting()
    await first.drain_once()
    await spool.add(caller.context(), [change("city", "Pune", 2)])
    [row] = await spool.waiting()
    await spool.set_aside(row, "cannot be read")
    await first.drain_once()
    assert await spool.count(set_aside=True) == 1, "not again and again"
    await StoreAndForward(leads, spool).drain_once()
    assert await spool.count(set_aside=True) == 0
    assert (await leads.get(caller.lead_id)).values == {"name": "Asha", "city": "Pune"}
    spool.close()


async def test_a_disk_that_lets_go_of_nothing_holds_nobody_up(redis: Redis, spool: Spool) -> None:
    """On a disk that became read-only the first row would be sent again for ever, alone."""
    leads, callers = Leads(redis, source="agent"), [Caller(redis) for _ in range(3)]
    told: list[tuple[str, str | None]] = []
    for caller in callers:
        await spool.add(caller.context(), [change("name", "Asha", 1)])
    put(spool, "{}", "not json")
    spool._db.execute("PRAGMA query_only = ON")  # SQLite's own way to a read-only disk
    saver = StoreAndForward(leads, spool, on_outage=lambda *what: told.append(what))
    await saver.drain_once()
    for caller in callers:
        assert (await leads.get(caller.lead_id)).revision == 1
    assert told[-1][0] == "spool"
    spool._db.execute("PRAGMA query_only = OFF")
    await saver.drain_once()
    assert (await spool.count(), await spool.count(set_aside=True)) == (0, 1)
    spool.close()
