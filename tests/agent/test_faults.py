"""Faults of the outside, where people see them."""

import asyncio

from redis.asyncio import Redis

from services.agent.call.log_writer import TurnLog
from services.agent.provider_status.board import CallFaults, FaultBoard
from shared.calls import Calls
from shared.calls.log import CallLog, CallNotice
from shared.runtime.health import Health
from tests.agent.calls import open_call


async def test_what_a_call_meets_is_seen_by_the_worker_and_on_the_page(redis: Redis) -> None:
    """A refused key in a call's own process must not stay there."""
    call = await open_call(redis)
    held = await Calls(redis, source="agent").take(call.id, "test")
    log, board = TurnLog(CallLog(redis), held), FaultBoard(redis)
    faults, health = CallFaults(board, log), Health("agent", "test")
    mirror = asyncio.create_task(board.mirror(health))
    faults.refused("sarvam_stt", "Sarvam refuses the key")
    faults.refused("sarvam_stt", "Sarvam refuses the key")
    await faults.settle()
    assert await board.read() == {"sarvam_stt": "Sarvam refuses the key"}
    mirror.cancel()
    mirror = asyncio.create_task(board.mirror(health))
    async with asyncio.timeout(3):
        while health.status != "degraded":  # noqa: ASYNC110 # it is polled from Redis
            await asyncio.sleep(0.01)
    assert health.reasons == {"sarvam_stt": "Sarvam refuses the key"}
    faults.well("sarvam_stt")
    await faults.settle()
    assert await board.read() == {}
    await log.drain(2)
    notices = [each.entry for each in await CallLog(redis).read(call.id)]
    codes = [each.code for each in notices if isinstance(each, CallNotice)]
    assert codes == ["sarvam_stt_refused", "sarvam_stt_well"]
    mirror.cancel()
    await asyncio.gather(mirror, return_exceptions=True)
    await log.aclose()


async def test_an_old_fault_is_over(redis: Redis) -> None:
    """A call that nobody made again leaves no warning for ever."""
    board = FaultBoard(redis)
    await redis.hset("bolchaal:agent.faults", "llm", '{"reason": "old", "at_ms": 1000}')
    assert await board.read() == {}
