"""Agent workers and dispatch: whether a caller gets an agent, and only one."""

import asyncio
import random
from collections.abc import AsyncIterator

import aiohttp
import jwt
import pytest
from livekit import api
from livekit.protocol import agent, rtc

from services.sandbox.livekit import DevServer, Timings
from shared.runtime.tasks import cancel
from tests.sandbox.livekit.clients import KEY, SECRET, Clients, token

NAME = "test-agent"


def _call(identity: str = "caller", room: str = "call", *names: str) -> str:
    agents = [api.RoomAgentDispatch(agent_name=name, metadata="m") for name in names or (NAME,)]
    return token(identity, room, config=api.RoomConfiguration(agents=agents))


async def _dispatches(clients: Clients, room: str = "call") -> list[api.AgentDispatch]:
    lk = await clients.api()
    return list(await lk.agent_dispatch.list_dispatch(room))


@pytest.fixture
async def server(timings: Timings) -> AsyncIterator[DevServer]:
    pick = random.Random(1)  # the tests below depend on this order
    async with DevServer(KEY, SECRET, timings=timings, pick=pick) as server:
        yield server


async def test_a_job_is_offered_and_assigned(clients: Clients) -> None:
    """No caller would hear an agent."""
    worker = await clients.worker(NAME)
    caller = await clients.signal(_call())
    room = (await caller.until("join")).room
    offer = (await worker.until("availability")).job
    assert (offer.room.sid, offer.agent_name, offer.metadata) == (room.sid, NAME, "m")
    assert offer.state.status == agent.JobStatus.JS_RUNNING
    assert not offer.HasField("participant")
    await worker.answer(offer.id, available=True)
    assignment = await worker.until("assignment")
    assert assignment.job.id == offer.id
    assert assignment.url == ""
    assert assignment.job.state.participant_identity == f"agent-{offer.id}"
    claims = jwt.decode(assignment.token, SECRET, algorithms=["HS256"])
    assert (claims["kind"], claims["name"]) == ("agent", "Agent")
    assert claims["attributes"] == {"lk.agent_name": NAME}
    assert claims["exp"] - claims["nbf"] == 3600
    agent_client = await clients.signal(assignment.token)
    assert (await agent_client.until("join")).participant.permission.agent
    (dispatch,) = await _dispatches(clients)
    assert [job.id for job in dispatch.state.jobs] == [offer.id]


async def test_nobody_is_called_twice(clients: Clients) -> None:
    """A second caller, or one who comes back, would be greeted by two agents."""
    worker = await clients.worker(NAME)
    first = await clients.signal(_call())
    await worker.take()
    await clients.signal(_call("second"))
    await first.socket.close()
    await clients.signal(_call())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await worker.until("availability")


async def test_a_room_without_agents_wants_an_unnamed_worker(clients: Clients) -> None:
    """Workers without a name get every room, as LiveKit's first examples expect."""
    worker = await clients.worker("")
    await clients.signal(token("caller", "call"))
    assert (await worker.take()).job.agent_name == ""


async def test_no_worker_then_one(clients: Clients, timings: Timings) -> None:
    """The product's own watchdog has to dispatch again: the server never does."""
    await clients.signal(_call())
    await asyncio.sleep(timings.offer_delay * 3)  # past the only time at which it is offered
    worker = await clients.worker(NAME)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await worker.until("availability")
    (dispatch,) = await _dispatches(clients)
    assert not dispatch.state.jobs
    lk = await clients.api()
    request = api.CreateAgentDispatchRequest(agent_name=NAME, room="call", metadata="again")
    await lk.agent_dispatch.create_dispatch(request)
    assert (await worker.take()).job.metadata == "again"


async def test_full_workers_are_not_asked(clients: Clients) -> None:
    """A full worker would take calls that it cannot serve."""
    full, free = await clients.worker(NAME), await clients.worker(NAME)
    await full.status(full=True)
    for number in range(3):
        await clients.signal(_call(room=f"call{number}"))
        await free.take()
    await full.status(full=False)
    await free.status(full=True)
    await clients.signal(_call(room="another"))
    await full.take()


async def test_load_decides_who_is_likelier(clients: Clients) -> None:
    """All calls would go to the busiest replica."""
    idle, busy = await clients.worker(NAME, load=0.0), await clients.worker(NAME, load=0.9)
    taken = {idle: 0, busy: 0}
    for number in range(20):
        await clients.signal(_call(room=f"call{number}"))
        waiting = {asyncio.create_task(worker.take()): worker for worker in taken}
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        taken[waiting[done.pop()]] += 1
        await cancel(*pending)
    assert taken[idle] > 3 * taken[busy]


async def test_a_refusal_goes_to_the_next_worker(clients: Clients) -> None:
    """One busy replica would lose the call for all."""
    workers = [await clients.worker(NAME) for _ in range(2)]
    await clients.signal(_call())
    offers = {asyncio.create_task(w.until("availability")): w for w in workers}
    done, pending = await asyncio.wait(offers, return_when=asyncio.FIRST_COMPLETED)
    first = done.pop()
    await offers[first].answer(first.result().job.id, available=False)
    offer = await pending.pop()
    assert offer.job.id == first.result().job.id


async def test_terminate_ends_the_search(clients: Clients) -> None:
    """livekit-agents' reject() means: nobody else either."""
    workers = [await clients.worker(NAME) for _ in range(2)]
    await clients.signal(_call())
    offers = {asyncio.create_task(w.until("availability")): w for w in workers}
    done, pending = await asyncio.wait(offers, return_when=asyncio.FIRST_COMPLETED)
    first = done.pop()
    await offers[first].answer(first.result().job.id, available=False, terminate=True)
    _, still = await asyncio.wait(pending, timeout=0.1)
    assert still
    await cancel(*still)


async def test_silence_loses_the_job(clients: Clients, timings: Timings) -> None:
    """A worker that hangs would hold the call for ever; its late answer must not bring an agent."""
    worker = await clients.worker(NAME)
    await clients.signal(_call())
    offer = (await worker.until("availability")).job
    await asyncio.sleep(timings.job_answer * 1.2)  # the wait itself is what is tested
    await worker.answer(offer.id, available=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await worker.until("assignment")


async def test_a_worker_lost_before_its_answer(clients: Clients) -> None:
    """A replica that dies with the offer in its hands would lose the call."""
    workers = [await clients.worker(NAME) for _ in range(2)]
    await clients.signal(_call())
    offers = {asyncio.create_task(w.until("availability")): w for w in workers}
    done, pending = await asyncio.wait(offers, return_when=asyncio.FIRST_COMPLETED)
    first = done.pop()
    await offers[first].socket.close()
    assert (await pending.pop()).job.id == first.result().job.id


async def test_a_room_that_ends_terminates_its_job(clients: Clients) -> None:
    """The worker would keep a process for a call that is over."""
    worker = await clients.worker(NAME)
    await clients.signal(_call())
    assignment = await worker.take()
    client = await clients.signal(assignment.token)
    await client.until("join")
    lk = await clients.api()
    await lk.room.delete_room(api.DeleteRoomRequest(room="call"))
    assert (await worker.until("termination")).job_id == assignment.job.id
    assert (await client.until("leave")).reason == api.DisconnectReason.ROOM_DELETED


async def test_a_job_that_said_it_ended_is_not_terminated(clients: Clients) -> None:
    """livekit-agents would log an unknown job at every call's end."""
    worker = await clients.worker(NAME)
    await clients.signal(_call())
    assignment = await worker.take()
    client = await clients.signal(assignment.token)
    await client.until("join")
    ended = agent.UpdateJobStatus(job_id=assignment.job.id, status=agent.JobStatus.JS_SUCCESS)
    await worker.send(update_job=ended)
    await worker.status()
    lk = await clients.api()
    await lk.room.delete_room(api.DeleteRoomRequest(room="call"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await worker.until("termination")


async def test_deleting_a_dispatch_removes_its_agent(clients: Clients) -> None:
    """The product takes a stray agent out of a call this way."""
    worker = await clients.worker(NAME)
    await clients.signal(_call())
    assignment = await worker.take()
    client = await clients.signal(assignment.token)
    await client.until("join")
    lk = await clients.api()
    await lk.agent_dispatch.delete_dispatch(assignment.job.dispatch_id, "call")
    assert (await worker.until("termination")).job_id == assignment.job.id
    assert (await client.until("leave")).reason == api.DisconnectReason.PARTICIPANT_REMOVED
    assert await _dispatches(clients) == []


async def test_registering(clients: Clients, timings: Timings) -> None:
    """A worker that cannot register, or one that is refused, must learn it from the socket."""
    allowed = api.AccessToken(KEY, SECRET).with_grants(api.VideoGrants(agent=True)).to_jwt()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await clients.worker_socket(token("a"))
    assert refused.value.status == 401
    silent = await clients.worker_socket(allowed)
    async with asyncio.timeout(timings.register * 2):
        assert (await silent.receive()).type == aiohttp.WSMsgType.CLOSE
    hasty = await clients.worker_socket(allowed)
    ping = agent.WorkerMessage(ping=agent.WorkerPing(timestamp=1))
    await hasty.send_bytes(ping.SerializeToString())
    assert (await hasty.receive()).type == aiohttp.WSMsgType.CLOSE
    twice = await clients.worker(NAME)
    await twice.send(register=agent.RegisterWorkerRequest(agent_name=NAME))
    with pytest.raises(EOFError):
        await twice.until("register")


async def test_a_worker_for_each_participant(clients: Clients) -> None:
    """Workers of this type, such as a recorder of each caller, would never be started."""
    worker = await clients.worker(NAME, kind=agent.JobType.JT_PARTICIPANT)
    caller = await clients.room("caller", jwt=_call())
    assignment = await worker.take()
    assert assignment.job.type == agent.JobType.JT_PARTICIPANT
    assert assignment.job.participant.identity == "caller"
    await caller.disconnect()
    assert (await worker.until("termination")).job_id == assignment.job.id


async def test_an_agent_that_connects_anew_keeps_its_job(clients: Clients) -> None:
    """A hiccup of its network would end the call."""
    worker = await clients.worker(NAME)
    await clients.signal(_call())
    assignment = await worker.take()
    first = await clients.signal(assignment.token)
    await first.until("join")
    second = await clients.signal(assignment.token)
    await second.until("join")
    await first.closed()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await worker.until("termination")
    await second.send(leave=rtc.LeaveRequest())
    assert (await worker.until("termination")).job_id == assignment.job.id
