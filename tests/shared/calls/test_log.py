"""The call log: in order, live, and closed to an agent that has lost its call."""

import pytest
from redis.asyncio import Redis

from shared.calls import Calls
from shared.calls.log import AgentState, CallLog, CallNotice, Logged, Turn
from shared.errors import NotOwner
from shared.leads import LeadChange, Leads
from shared.redis import keys
from tests.shared.builders import lead_context, new_call


async def test_entries_read_back_in_order_and_after_an_id(redis: Redis) -> None:
    """A browser that reconnects with the last id it saw must miss nothing and see nothing twice."""
    log = CallLog(redis)
    first = await log.append("c", Turn(who="agent", text="வணக்கம்", at_ms=5))
    second = await log.append("c", Turn(who="caller", text="ஆஷா", typed=True))
    assert [entry.id for entry in await log.read("c")] == [first, second]
    [rest] = await log.read("c", after=first)
    assert isinstance(rest.entry, Turn)
    assert (rest.entry.text, rest.entry.typed) == ("ஆஷா", True)
    assert rest.entry.at_ms == int(second.partition("-")[0])  # when it was written, if not told


async def test_a_loser_cannot_write(redis: Redis) -> None:
    """Two agents in one log would show the caller a conversation that never was."""
    calls, log, new = Calls(redis, source="test"), CallLog(redis), new_call()
    await calls.open(new)
    held = await calls.take(new.id, "agent-1")
    await log.append_held(held, AgentState(state="speaking"))
    await redis.hset(keys.call(new.id), "attempt", 2)
    with pytest.raises(NotOwner):
        await log.append_held(held, AgentState(state="speaking"))


async def test_unknown_entries_are_passed_over(redis: Redis) -> None:
    """During a rolling deploy an old reader meets a new writer."""
    log = CallLog(redis)
    await redis.xadd(keys.call_log("c"), {"type": "hologram", "data": "{}"})
    await redis.xadd(keys.call_log("c"), {"type": "turn", "data": "not json"})
    await log.append("c", CallNotice(level="info", code="x", text="y"))
    assert [entry.entry.type for entry in await log.read("c")] == ["notice"]


async def test_following_gives_what_is_there_and_what_comes(redis: Redis) -> None:
    log = CallLog(redis)
    await log.append("c", AgentState(state="joining"))
    seen: list[Logged] = []
    async for batch in log.follow("c", block_ms=2_000):
        seen += batch
        if len(seen) == 1:
            await log.append("c", AgentState(state="listening"))
        if len(seen) == 2:
            break
    states = [entry.entry.state for entry in seen if isinstance(entry.entry, AgentState)]
    assert states == ["joining", "listening"]


async def test_nothing_is_said_after_the_end(redis: Redis) -> None:
    """The gateway ended the call; its agent, which does not know yet, must not go on in the log."""
    calls, log, new = Calls(redis, source="test"), CallLog(redis), new_call()
    await calls.open(new)
    held = await calls.take(new.id, "agent-1")
    await calls.end(await calls.get(new.id), "room_closed")
    with pytest.raises(NotOwner):
        await log.append_held(held, AgentState(state="speaking"))


async def test_logs_leads_and_calls_are_kept_as_long_as_the_settings_say(redis: Redis) -> None:
    """What a caller said, word by word, is forgotten before the lead is."""
    calls = Calls(redis, source="test", keep_days=20, keep_log_days=3)
    log, leads, new = (
        CallLog(redis, keep_days=3),
        Leads(redis, source="test", keep_days=20),
        new_call(),
    )
    await calls.open(new)
    await log.append(new.id, AgentState(state="joining"))
    change = LeadChange(field="name", value="Asha", attempt=1, sequence=1)
    await leads.apply(lead_context(new), [change])
    await calls.end(await calls.get(new.id), "caller_hung_up")
    day = 86_400
    assert await redis.ttl(keys.call_log(new.id)) <= 3 * day
    for key in (keys.call(new.id), keys.lead(new.lead_id)):
        assert 3 * day < await redis.ttl(key) <= 20 * day
