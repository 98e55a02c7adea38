"""The life of a call in Redis: who holds it, when somebody must look at it, how it ends once."""

import json

import pytest
from redis.asyncio import Redis

from shared.calls import CallNotTaken, Calls
from shared.calls.log import CallEnd, CallLog
from shared.errors import Conflict, NotFound, NotOwner
from shared.leads import LeadChange, Leads
from shared.redis import keys
from tests.shared.builders import entries, lead_context, new_call
from tests.shared.round_trips import round_trips


@pytest.fixture
def calls(redis: Redis) -> Calls:
    return Calls(redis, source="test")


async def lapse(redis: Redis, call_id: str) -> None:
    """Puts the lease into the past, as three silent seconds would."""
    await redis.hset(keys.call(call_id), "lease_ms", 1)


async def test_a_call_reads_back_as_it_was_opened(calls: Calls) -> None:
    """Without it the agent would speak with another profile, language or voice than chosen."""
    new = new_call(language="ta-IN", user_name="Asha")
    await calls.open(new)
    call = await calls.get(new.id)
    assert call.profile == new.profile
    assert (call.language, call.voice, call.user_name) == ("ta-IN", "priya", "Asha")
    assert call.state == "requested"
    assert call.created_ms > 0
    assert await calls.of_room(new.room) == new.id


async def test_the_list_of_calls_forgets_those_whose_retention_is_over(
    calls: Calls, redis: Redis
) -> None:
    """The index would grow for ever, with an id for each call that there ever was."""
    await redis.zadd(keys.CALLS_INDEX, {"long-ago": 1})
    new = new_call()
    await calls.open(new)
    assert await redis.zrange(keys.CALLS_INDEX, 0, -1) == [new.id]


async def test_opening_publishes_one_event_with_ids_only(calls: Calls, redis: Redis) -> None:
    """A caller's name on a stream could not be erased."""
    new = new_call(user_name="Asha")
    await calls.open(new)
    [fields] = await entries(redis, keys.CALLS)
    assert fields["type"] == "call.requested"
    assert json.loads(fields["data"])["call_id"] == new.id
    assert "Asha" not in json.dumps(fields)


async def test_an_unknown_call_is_not_found(calls: Calls) -> None:
    with pytest.raises(NotFound):
        await calls.get("no-such-call")
    with pytest.raises(NotFound):
        await calls.take("no-such-call", "agent-1")


async def test_two_agents_one_lease(calls: Calls) -> None:
    """A slow dispatch taken for a death gives two agents: the caller must hear one."""
    new = new_call()
    await calls.open(new)
    assert (await calls.take(new.id, "agent-1")).attempt == 1
    with pytest.raises(CallNotTaken, match="held"):
        await calls.take(new.id, "agent-2")


async def test_a_lapsed_lease_goes_to_the_next_agent_and_the_first_one_loses(
    calls: Calls, redis: Redis
) -> None:
    """A call that outlives its agent needs a second one, and only that one may go on."""
    new = new_call()
    await calls.open(new)
    first = await calls.take(new.id, "agent-1")
    await lapse(redis, new.id)
    second = await calls.take(new.id, "agent-2")
    assert second.attempt == first.attempt + 1
    await calls.renew(second)
    with pytest.raises(NotOwner):
        await calls.renew(first)


async def test_a_late_renewal_by_the_current_attempt_wins(calls: Calls, redis: Redis) -> None:
    """Redis was away longer than a lease: the agent that is still there keeps its call."""
    new = new_call()
    await calls.open(new)
    held = await calls.take(new.id, "agent-1")
    await lapse(redis, new.id)
    await calls.renew(held)
    with pytest.raises(CallNotTaken):
        await calls.take(new.id, "agent-2")


async def test_a_released_call_is_free_at_once(calls: Calls) -> None:
    """An agent that is shut down in a call must not make the caller wait for a lease."""
    new = new_call()
    await calls.open(new)
    held = await calls.take(new.id, "agent-1")
    await calls.release(held)
    assert await calls.claim_due() == [new.id]
    assert (await calls.take(new.id, "agent-2")).attempt == held.attempt + 1


async def test_a_due_call_is_given_to_one_watchdog(calls: Calls, redis: Redis) -> None:
    """Two gateways dispatching the same call would bring two agents."""
    new = new_call()
    await calls.open(new)
    assert await calls.claim_due() == []  # nobody looks before the first second is over
    await calls.due_at(new.id, 1)
    assert await calls.claim_due(hold_ms=60_000) == [new.id]
    assert await calls.claim_due() == []


async def test_the_callers_first_sight_counts(calls: Calls) -> None:
    """The five seconds without an agent start when the caller joins, not at each sighting."""
    new = new_call()
    await calls.open(new)
    assert await calls.joined(new.id)
    assert not await calls.joined(new.id)
    assert (await calls.get(new.id)).joined_ms


async def test_a_call_ends_once(calls: Calls, redis: Redis) -> None:
    """Agent and gateway both see the end: the post-call event must not go out twice."""
    new = new_call()
    await calls.open(new)
    held = await calls.take(new.id, "agent-1")
    call = await calls.get(new.id)
    first = await calls.end(call, "caller_hung_up", held=held)
    second = await calls.end(call, "room_closed")
    assert (first.first, first.outcome) == (True, "no_lead")
    assert not second.first
    types = [fields["type"] for fields in await entries(redis, keys.CALLS)]
    assert types == ["call.requested", "call.ended"]
    ended = await calls.get(new.id)
    assert (ended.state, ended.how, ended.outcome) == ("ended", "caller_hung_up", "no_lead")
    assert await redis.zcard(keys.CALLS_DUE) == 0
    with pytest.raises(CallNotTaken, match="ended"):
        await calls.take(new.id, "agent-2")


async def test_an_agent_that_lost_the_call_cannot_end_it(calls: Calls, redis: Redis) -> None:
    new = new_call()
    await calls.open(new)
    first = await calls.take(new.id, "agent-1")
    await lapse(redis, new.id)
    await calls.take(new.id, "agent-2")
    with pytest.raises(NotOwner):
        await calls.end(await calls.get(new.id), "failed", held=first)


async def test_the_end_is_the_last_entry_of_the_log(calls: Calls, redis: Redis) -> None:
    """The page stops listening when it sees it."""
    new = new_call()
    await calls.open(new)
    await calls.end(await calls.get(new.id), "never_joined")
    [*_, last] = await CallLog(redis).read(new.id)
    assert isinstance(last.entry, CallEnd)
    assert last.entry.how == "never_joined"


async def test_a_partial_lead_is_sent_when_its_call_ends(calls: Calls, redis: Redis) -> None:
    """A caller who hung up after giving a number is still a lead."""
    new = new_call()
    await calls.open(new)
    leads = Leads(redis, source="test")
    change = LeadChange(field="phone", value="+919876543210", attempt=1, sequence=1)
    await leads.apply(lead_context(new), [change])
    ended = await calls.end(await calls.get(new.id), "caller_hung_up")
    assert ended.outcome == "lead_partial"
    assert (await leads.get(new.lead_id)).final
    postable = [json.loads(f["data"])["postable"] for f in await entries(redis, keys.LEADS)]
    assert postable == [False, True]


async def test_the_newest_calls_come_first_and_expired_ones_vanish(
    calls: Calls, redis: Redis
) -> None:
    first, second, gone = new_call(), new_call(), new_call()
    for new in (first, second, gone):
        await calls.open(new)
    await redis.zadd(keys.CALLS_INDEX, {first.id: 1, second.id: 2, gone.id: 3})
    await redis.delete(keys.call(gone.id))
    assert [call.id for call in await calls.latest()] == [second.id, first.id]
    assert await redis.zscore(keys.CALLS_INDEX, gone.id) is None


async def test_a_call_of_the_version_before_has_no_identity_for_its_caller(
    calls: Calls, redis: Redis
) -> None:
    """A call that was opened before an update must be readable, and servable, after it."""
    new = new_call(caller_identity="caller-1")
    await calls.open(new)
    assert (await calls.get(new.id)).caller_identity == "caller-1"
    await redis.hdel(keys.call(new.id), "caller_identity")
    assert (await calls.get(new.id)).caller_identity is None


async def test_a_room_with_a_call_is_refused_by_name(calls: Calls) -> None:
    """Two callers in one room would hear each other."""
    new = new_call()
    await calls.open(new)
    with pytest.raises(Conflict, match=new.room) as refused:
        await calls.open(new_call(room=new.room))
    assert (refused.value.code, refused.value.status) == ("room_taken", 409)
    assert len(await calls.latest()) == 1


async def test_opening_again_after_a_lost_answer_is_no_second_call(
    calls: Calls, redis: Redis
) -> None:
    """redis-py sends a command again when the connection broke: the caller got an error for it."""
    new = new_call()
    await calls.open(new)
    held = await calls.take(new.id, "agent-1")
    await calls.open(new)
    await calls.renew(held)
    assert len(await entries(redis, keys.CALLS)) == 1


async def test_a_list_of_calls_takes_two_round_trips(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each call: the console of a Redis across a network would be slow."""
    for _ in range(5):
        await calls.open(new_call())
    with round_trips(monkeypatch) as counted:
        assert len(await calls.latest()) == 5
    assert counted.trips == 2
