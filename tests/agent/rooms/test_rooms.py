"""An agent worker in real rooms: it joins, speaks, is killed, is replaced, stops."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.calls import Call, Calls
from shared.calls.log import AgentState, CallEnd, CallNotice, LeadRevision, Turn
from shared.redis import keys
from tests.agent.rooms.world import (
    PATIENCE_S,
    Caller,
    Workers,
    World,
    end,
    is_agent,
    kill,
    world,
)
from tests.valkey import Valkey

# A worker takes five seconds to start, so one world serves the module, and workers last until a
# test has ended them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def around(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(valkey.url, tmp_path_factory.mktemp("spool")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(around: World) -> AsyncIterator[Workers]:
    running = Workers(around)
    yield running
    await running.end()


@pytest_asyncio.fixture(loop_scope="module")
async def worker(workers: Workers) -> asyncio.subprocess.Process:
    return await workers.one()


def agent_says(entry: object) -> bool:
    return isinstance(entry, Turn) and entry.who == "agent"


async def events(around: World, call: Call) -> list[str]:
    """Types of the lifecycle events of one call, in order."""
    entries: Any = await around.redis.xrange(keys.CALLS)
    return [fields["type"] for _, fields in entries if call.id in fields["data"]]


async def written(around: World, call: Call) -> list[str]:
    """The data of the call's log entries, in order."""
    entries: Any = await around.redis.xrange(keys.call_log(call.id))
    return [fields["data"] for _, fields in entries]


async def test_a_caller_is_greeted_answered_and_missed(
    around: World, worker: asyncio.subprocess.Process
) -> None:
    """The whole life of a call: heard, seen in script, noted, and ended when the caller leaves."""
    call = await around.open(language="ta-IN")
    caller = Caller(around, call)
    await caller.join()
    await asyncio.wait_for(caller.heard.wait(), PATIENCE_S)
    await around.entry(call, agent_says)
    await caller.type("என் பெயர் ராகுல்")
    noted = await around.entry(call, lambda each: isinstance(each, LeadRevision))
    await around.entry(call, lambda each: isinstance(each, Turn) and "மொபைல்" in each.text)
    await caller.leave()
    finished = await around.entry(call, lambda each: isinstance(each, CallEnd))
    leads: Any = await around.redis.xrange(keys.LEADS)
    assert isinstance(noted, LeadRevision)
    assert noted.changed == {"name": "ராகுல்"}
    assert "".join(caller.texts).startswith("வணக்கம்")
    assert {"listening", "speaking"} <= set(caller.states)
    assert isinstance(finished, CallEnd)
    assert (finished.how, finished.outcome) == ("caller_hung_up", "lead_partial")
    assert await events(around, call) == ["call.requested", "call.started", "call.ended"]
    assert '"postable":true' in leads[-1][1]["data"]


async def test_of_two_agents_one_leaves_unheard(
    around: World, worker: asyncio.subprocess.Process
) -> None:
    """A slow dispatch that was taken for death must not make two voices."""
    call = await around.open()
    caller = Caller(around, call)
    await caller.join()
    await around.dispatch(call)
    await around.entry(call, agent_says)
    await caller.type("मेरा नाम राहुल शर्मा है")
    await around.entry(call, lambda each: isinstance(each, Turn) and "मोबाइल" in each.text)
    await caller.leave()
    await around.entry(call, lambda each: isinstance(each, CallEnd))
    assert len(caller.agents) == 1
    assert await around.field(call, "attempt") == "1"


async def test_a_call_goes_on_in_text_when_sarvam_refuses_to_speak(
    around: World, worker: asyncio.subprocess.Process
) -> None:
    """A wrong key is named on the page, and who types is answered all the same."""
    around.speech.tts.refuse = 403
    call = await around.open()
    caller = Caller(around, call)
    await caller.join()
    greeting = await around.entry(call, agent_says)
    notice = await around.entry(call, lambda each: isinstance(each, CallNotice))
    await caller.type("मेरा नाम राहुल शर्मा है")
    await around.entry(call, lambda each: isinstance(each, Turn) and "मोबाइल" in each.text)
    around.speech.tts.refuse = None
    await caller.type("मेरा नंबर 9876543210 है")
    await asyncio.wait_for(caller.heard.wait(), PATIENCE_S)
    await around.entry(
        call, lambda each: isinstance(each, CallNotice) and each.code == "sarvam_tts_well"
    )
    await caller.leave()
    await around.entry(call, lambda each: isinstance(each, CallEnd))
    assert isinstance(greeting, Turn)
    assert greeting.text.startswith("नमस्ते")
    assert isinstance(notice, CallNotice)
    assert notice.code == "sarvam_tts_refused"
    assert "403" in notice.text


async def test_a_dispatch_without_a_known_call_joins_nobody(
    around: World, worker: asyncio.subprocess.Process
) -> None:
    """Whoever can dispatch must not be able to make the agent talk about a call of their own."""
    call = await around.open()
    await around.redis.delete(keys.call(call.id))
    caller = Caller(around, call)
    await caller.join()
    await around.dispatch(call.model_copy(update={"id": "not-an-id"}))
    known = await around.open()
    other = Caller(around, known)
    await other.join()
    await around.entry(known, agent_says)
    await caller.leave()
    await other.leave()
    assert caller.agents == []


async def test_a_second_agent_goes_on_when_the_first_is_killed(
    around: World, workers: Workers, worker: asyncio.subprocess.Process
) -> None:
    """kill -9 in the middle of a call: the caller hears somebody who knows what was said."""
    call = await around.open(language="hi-IN")
    caller = Caller(around, call)
    await caller.join()
    await around.entry(call, agent_says)
    await caller.type("मेरा नाम राहुल शर्मा है")
    await around.entry(call, lambda each: isinstance(each, Turn) and "मोबाइल" in each.text)
    await workers.another()
    kill(worker)
    await around.lapsed(call)
    before = len(await written(around, call))
    caller.heard.clear()
    await around.dispatch(call)
    await asyncio.wait_for(caller.heard.wait(), PATIENCE_S)
    await caller.type("मेरा नंबर 9876543210 है")
    await around.entry(
        call, lambda each: isinstance(each, LeadRevision) and "phone" in each.changed
    )
    after = (await written(around, call))[before:]
    agents = [each for each in await around.participants(call) if is_agent(each)]
    await caller.leave()
    await around.entry(call, lambda each: isinstance(each, CallEnd))
    assert not any("नमस्ते" in data for data in after)
    assert len(agents) == 1
    assert await around.field(call, "attempt") == "2"
    kinds = ["call.requested", "call.started", "call.resumed", "call.ended"]
    assert await events(around, call) == kinds


async def test_a_second_agent_is_one_even_when_nothing_was_said(
    around: World, worker: asyncio.subprocess.Process
) -> None:
    """The history of a call would have two beginnings; the caller is greeted all the same."""
    call = await around.open()
    calls = Calls(around.redis, source="test")
    await calls.release(await calls.take(call.id, "an agent that died at once"))
    caller = Caller(around, call)
    await caller.join()
    greeting = await around.entry(call, agent_says)
    await caller.leave()
    await around.entry(call, lambda each: isinstance(each, CallEnd))
    assert isinstance(greeting, Turn)
    assert greeting.text.startswith("नमस्ते")
    assert await events(around, call) == ["call.requested", "call.resumed", "call.ended"]


async def test_the_agent_hears_its_caller_and_not_whoever_is_first(
    around: World, worker: asyncio.subprocess.Process
) -> None:
    """A supervisor in the room is not talked to, and does not keep the call alive."""
    call = await around.open()
    supervisor, caller = Caller(around, call), Caller(around, call)
    await supervisor.join(identity="supervisor")
    await supervisor.type("मेरा नाम सुपरवाइज़र है")
    await caller.join(dispatch=False)
    await around.entry(call, agent_says)
    await supervisor.type("मेरा नाम सुपरवाइज़र है")
    await caller.type("मेरा नाम राहुल शर्मा है")
    noted = await around.entry(call, lambda each: isinstance(each, LeadRevision))
    await caller.leave()
    finished = await around.entry(call, lambda each: isinstance(each, CallEnd))
    await supervisor.leave()
    assert isinstance(noted, LeadRevision)
    assert noted.changed == {"name": "राहुल शर्मा"}
    assert isinstance(finished, CallEnd)
    assert finished.how == "caller_hung_up"


async def test_a_worker_that_stops_hands_its_call_on(
    around: World, workers: Workers, worker: asyncio.subprocess.Process
) -> None:
    """A rolling update must not hang up on people: the next agent may take the call at once."""
    call = await around.open()
    caller = Caller(around, call)
    await caller.join()
    await around.entry(call, agent_says)
    code = await end(worker)
    left = await around.entry(
        call, lambda each: isinstance(each, AgentState) and each.state == "left"
    )
    await around.lapsed(call, within=0.5)
    await caller.leave()
    assert code == 0
    assert left
    assert await around.field(call, "state") == "active"
