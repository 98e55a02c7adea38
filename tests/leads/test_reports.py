"""The report of a call that has ended."""

from redis.asyncio import Redis

from shared.calls import Calls, CallSettings
from shared.calls.log import CallLog, Latency, Turn
from shared.deliveries import CALL_ENDED, Deliveries
from shared.profiles.model import Profile
from tests.leads.world import Caller, delivering, unread
from tests.waiting import until


async def _ended_call(redis: Redis, caller: Caller, *, words: int = 1) -> None:
    calls = Calls(redis, source="test")
    await calls.open(
        CallSettings(
            id=caller.call_id,
            lead_id=caller.lead_id,
            room="room",
            agent_id="default",
            language="hi-IN",
            voice="priya",
            profile=Profile(),
            profile_version="v1",
        )
    )
    held = await calls.take(caller.call_id, "agent")
    log = CallLog(redis)
    await log.append_held(held, Turn(who="agent", text="नमस्ते"))
    await caller.says(name="Asha")
    for number in range(10):
        latency = Latency(e2e_ms=700 + number * 10)
        turn = Turn(who="agent", text=f"{number} " + "word " * words, latency=latency)
        await log.append_held(held, turn)
    await calls.end(await calls.get(caller.call_id), "caller_hung_up", held=held)


async def test_a_report_follows_a_call(redis: Redis, redis_url: str) -> None:
    """What people build on the end of a call (a summary, a CRM entry) would not start."""
    caller = Caller(redis)
    async with delivering(redis, redis_url, n8n_webhook_call_ended="/webhook/call-ended") as n8n:
        await _ended_call(redis, caller)
        await n8n.posted(2)

        async def done() -> bool:
            found = await Deliveries(redis).latest(CALL_ENDED)
            return [each.state for each in found] == ["acknowledged"]

        await until(done)
    report = next(post for post in n8n.posts if post.payload["type"] == "call.ended")
    data = report.payload["data"]
    assert report.key == f"{caller.call_id}.1"
    assert (data["how"], data["outcome"]) == ("caller_hung_up", "lead_partial")
    assert (data["agent_id"], data["profile_version"]) == ("default", "v1")
    assert data["transcript"][0]["text"] == "नमस्ते"
    assert len(data["transcript"]) == 11
    assert data["lead"]["name"] == "Asha"
    assert data["latency"] == {"turns": 10, "e2e_p50_ms": 745, "e2e_p95_ms": 790}
    assert data["duration_ms"] >= 0


async def test_a_long_report_loses_its_oldest_turns(redis: Redis, redis_url: str) -> None:
    """n8n answers 500 to a body that is too long: the report would never arrive."""
    caller = Caller(redis)
    chosen = {"n8n_webhook_call_ended": "/webhook/call-ended", "lead_max_bytes": 8_192}
    async with delivering(redis, redis_url, **chosen) as n8n:  # type: ignore[arg-type]
        await _ended_call(redis, caller, words=400)
        await n8n.wait(lambda me: any(p.payload["type"] == "call.ended" for p in me.posts))
    report = next(post for post in n8n.posts if post.payload["type"] == "call.ended")
    assert len(report.raw) <= 8_192
    assert report.payload["data"]["truncated"] is True
    assert report.payload["data"]["transcript"][-1]["text"].startswith("9 ")


async def test_no_report_is_made_when_nobody_wants_one(redis: Redis, redis_url: str) -> None:
    """Events of calls would pile up, or posts go to an address that was never given."""
    caller = Caller(redis)
    async with delivering(redis, redis_url) as n8n:
        await _ended_call(redis, caller)
        await caller.reaches("acknowledged")

        async def read() -> bool:
            return await unread(redis) == 0

        await until(read)
    assert [post.payload["type"] for post in n8n.posts] == ["lead.captured"]
