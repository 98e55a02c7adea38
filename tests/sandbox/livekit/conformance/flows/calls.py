"""Flows c1 and c5: whole calls with an agent, ended by the caller, by the server and by a crash."""

import asyncio

from livekit.protocol.agent import JobAssignment

from tests.sandbox.livekit.conformance.client import Client
from tests.sandbox.livekit.conformance.flows.workers import AGENT, call
from tests.sandbox.livekit.conformance.player import Process, act_as_agent
from tests.sandbox.livekit.conformance.stage import Stage
from tests.sandbox.livekit.conformance.worker import Worker, accept

_ATTRIBUTES = {"lk.agent.name": AGENT, "who": "agent"}


async def _worker(stage: Stage) -> Worker:
    return await stage.worker(accept("", identity="agent-{job}", attributes=_ATTRIBUTES))


async def c1(stage: Stage) -> None:
    stage.begin(3095)
    worker = await _worker(stage)
    await stage.at(4624)
    caller = await call(stage, "golden-c1")
    await stage.align(4702)
    await stage.at(4777)
    await caller.publish()
    assignment = await asyncio.wait_for(worker.assignments.get(), 5)
    await act_as_agent(await _agent(stage, assignment))
    await stage.at(10273)
    await stage.admin("RoomService/ListParticipants", "golden-c1")
    await stage.admin("AgentDispatchService/ListDispatch", "golden-c1")
    await stage.list_rooms()
    await caller.disconnect()
    await stage.seen("webhook", "room_finished")
    await worker.finish(assignment.job.id)
    await stage.at(15185)
    await call(stage, "golden-c1b", "caller2")
    assignment = await asyncio.wait_for(worker.assignments.get(), 5)
    await act_as_agent(await _agent(stage, assignment), listens_again=False)
    await stage.seen("sdk:caller2", "first_loud_audio")
    await stage.delete_room("golden-c1b")
    await stage.seen("webhook", "room_finished", count=2)


async def _agent(stage: Stage, assignment: JobAssignment) -> Client:
    """Joins with the job's token, as its process does."""
    identity = assignment.job.state.participant_identity
    return await stage.join(identity, assignment.job.room.name, token=assignment.token)


async def c5(stage: Stage) -> None:
    room = "golden-c5"
    process = Process()
    stage.keep(process)
    await process.start()
    stage.begin(2715)
    worker = await _worker(stage)
    await stage.at(4215)
    caller = await call(stage, room)
    await stage.align(4244)
    await stage.at(4290)
    await caller.publish()
    assignment = await asyncio.wait_for(worker.assignments.get(), 5)
    await process.play(stage.tap.url, assignment.token, "agent")
    await stage.at(8752)
    await stage.worker(accept("W2", attributes={"who": "W2"}))
    await stage.at(9762)
    await process.kill()
    await worker.stop()
    await stage.at(32500)
    stage.skip(15000)  # three steps of the counts: nobody is called again
    await stage.at(54997)
    await stage.admin("AgentDispatchService/ListDispatch", room)
    await caller.disconnect()
    await stage.delete_room(room)
    await stage.seen("webhook", "room_finished")
