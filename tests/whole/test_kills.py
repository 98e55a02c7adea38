"""Calls that outlive their agent, and callers who come when no agent is free."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from tests.waiting import until
from tests.whole.system import System

pytestmark = pytest.mark.call

CALL = ("--language", "en-IN", "--agent", "callback")


async def last_call(system: System) -> dict[str, Any]:
    """The newest call with its log, as the console reads it."""
    async with httpx.AsyncClient(base_url=system.url) as http:
        calls = (await http.get("/api/v1/calls")).json()["calls"]
        answer = await http.get(f"/api/v1/calls/{calls[0]['call_id']}") if calls else None
    return answer.json() if answer else {}


def holder(system: System, call_id: str) -> int:
    """Which replica has taken the call, from the supervisor's log: 0 for agent-1, 1 for agent-2."""
    pattern = re.compile(rf"^agent-(\d) .* call {call_id} taken")
    found = [match for line in system.lines if (match := pattern.match(line))]
    return int(found[-1].group(1)) - 1


@pytest.mark.full
async def test_a_call_outlives_its_agent(system: System) -> None:
    """kill -9 of the agent in the middle of a call: another one goes on, and the lead arrives."""
    before = (await last_call(system)).get("call", {}).get("call_id")
    ringing = asyncio.create_task(system.call(*CALL))

    async def talking() -> str | None:
        seen = await last_call(system)
        spoken = [each for each in seen.get("log", []) if each["type"] == "turn"]
        call_id: str | None = seen.get("call", {}).get("call_id")
        return call_id if call_id != before and len(spoken) >= 2 else None

    call_id = await until(talking, timeout=60, every=0.2)
    assert call_id
    system.kill_service(system.pids("agent")[holder(system, call_id)])
    result = await ringing
    assert result.code == 0, result.output
    assert result.json is not None
    assert result.json["call_id"] == call_id
    assert any(f"call {call_id} taken, attempt 2" in line for line in system.lines)


@pytest.mark.full
async def test_a_caller_waits_for_the_first_free_agent(system: System) -> None:
    """Nobody is there when the caller joins: the first agent that comes is sent to the call."""
    for process in system.pids("agent"):
        system.kill_service(process)
    result = await system.call(*CALL)
    assert result.code == 0, result.output
