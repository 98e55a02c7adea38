"""Dispatches: which agents are wanted in which room, and the jobs that came of them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from livekit.protocol.agent import Job, JobAssignment, JobStatus, JobType
from livekit.protocol.agent_dispatch import AgentDispatch, AgentDispatchState, RoomAgentDispatch
from livekit.protocol.models import DisconnectReason

from services.sandbox.livekit.agent_workers import AgentWorkers
from services.sandbox.livekit.grants import Authority
from services.sandbox.livekit.participant import Participant
from services.sandbox.livekit.protocol import new_sid
from services.sandbox.livekit.room import Room
from services.sandbox.livekit.timings import Timings
from shared.clock import Clock
from shared.runtime.tasks import cancel

_TOKEN_LIFETIME = 3600  # seconds, of an agent's token
_AGENT_NAME = "lk.agent_name"  # attribute by which clients know which agent it is


class AgentDispatches:
    """Every dispatch is offered once, to the workers of that moment (rule 26)."""

    def __init__(
        self, workers: AgentWorkers, authority: Authority, timings: Timings, clock: Clock
    ) -> None:
        self._workers = workers
        self._authority = authority
        self._timings = timings
        self._clock = clock
        self._by_room: dict[Room, dict[str, AgentDispatch]] = {}
        self._offering: set[asyncio.Task[None]] = set()

    def on_room(self, room: Room, wanted: list[RoomAgentDispatch]) -> None:
        """At its creation: those that are asked for, else one for workers without a name."""
        for request in wanted or [RoomAgentDispatch()]:
            self.create(
                room,
                AgentDispatch(
                    agent_name=request.agent_name,
                    metadata=request.metadata,
                    attributes=request.attributes,
                ),
            )

    def create(self, room: Room, dispatch: AgentDispatch) -> AgentDispatch:
        """Fills in id, room and state; the job is offered a little later."""
        dispatch.id = new_sid("AD_")
        dispatch.room = room.name
        dispatch.state.CopyFrom(AgentDispatchState(created_at=self._now_ns()))
        self._by_room.setdefault(room, {})[dispatch.id] = dispatch
        self._start_offer(room, dispatch, self._job(room, dispatch, JobType.JT_ROOM))
        return dispatch

    def _start_offer(self, room: Room, dispatch: AgentDispatch, job: Job) -> None:
        task = asyncio.create_task(self._offer(room, dispatch, job))
        self._offering.add(task)
        task.add_done_callback(self._offering.discard)

    def on_participant(self, room: Room, participant: Participant, kind: JobType) -> None:
        """Workers of this type get a job for each participant, or for each that publishes."""
        if participant.is_agent:
            return
        for dispatch in self.list(room):
            if self._workers.has(dispatch.agent_name, kind):
                job = self._job(room, dispatch, kind)
                job.participant.CopyFrom(participant.info)
                self._start_offer(room, dispatch, job)

    def list(self, room: Room) -> list[AgentDispatch]:
        return list(self._by_room.get(room, {}).values())

    def find(self, room: Room, dispatch_id: str) -> AgentDispatch | None:
        return self._by_room.get(room, {}).get(dispatch_id)

    def delete(self, room: Room, dispatch_id: str) -> AgentDispatch | None:
        """Its jobs are terminated; an agent that does not leave is removed a little later."""
        dispatch = self._by_room.get(room, {}).pop(dispatch_id, None)
        if dispatch is None:
            return None
        loop = asyncio.get_running_loop()
        for job in dispatch.state.jobs:
            self._workers.terminate(job.id)
            identity = job.state.participant_identity
            loop.call_later(self._timings.dispatch_removal, _remove, room, identity)
        return dispatch

    def on_gone(self, room: Room, participant: Participant) -> None:
        """The job of this agent ends, and so do those that were about this participant."""
        for dispatch in self.list(room):
            for job in dispatch.state.jobs:
                its_agent = job.state.participant_identity == participant.identity
                if its_agent or job.participant.sid == participant.sid:
                    self._workers.terminate(job.id)

    def on_room_finished(self, room: Room) -> None:
        """Its agents are gone by now; a job whose agent never came is not terminated."""
        self._by_room.pop(room, None)

    async def stop(self) -> None:
        await cancel(*self._offering)

    async def _offer(self, room: Room, dispatch: AgentDispatch, job: Job) -> None:
        await asyncio.sleep(self._timings.offer_delay)
        if room.finished:
            return
        job.room.CopyFrom(room.info)
        job.state.started_at = job.state.updated_at = self._now_ns()
        taken = await self._workers.offer(job)
        if taken is None or room.finished or self.find(room, dispatch.id) is None:
            return
        worker, answer = taken
        job.state.participant_identity = answer.participant_identity
        claims = _agent_claims(
            room.name,
            answer.participant_identity,
            name=answer.participant_name,
            metadata=answer.participant_metadata,
            attributes={**answer.participant_attributes, _AGENT_NAME: dispatch.agent_name},
        )
        token = self._authority.sign(claims, lifetime=_TOKEN_LIFETIME)
        dispatch.state.jobs.append(job)
        self._workers.assign(worker, JobAssignment(job=job, token=token))

    def _job(self, room: Room, dispatch: AgentDispatch, kind: JobType) -> Job:
        job = Job(
            id=new_sid("AJ_"),
            dispatch_id=dispatch.id,
            type=kind,
            room=room.info,
            metadata=dispatch.metadata,
            attributes=dispatch.attributes,
            agent_name=dispatch.agent_name,
        )
        job.state.status = JobStatus.JS_RUNNING
        return job

    def _now_ns(self) -> int:
        return int(self._clock.now().timestamp() * 1_000_000_000)


def _remove(room: Room, identity: str) -> None:
    agent = room.participants.get(identity)
    if agent is not None:
        room.remove(agent, DisconnectReason.PARTICIPANT_REMOVED)


def _agent_claims(
    room: str, identity: str, *, name: str, metadata: str, attributes: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "sub": identity,
        "identity": identity,
        "name": name,
        "kind": "agent",
        "metadata": metadata,
        "attributes": dict(attributes),
        "video": {
            "roomJoin": True,
            "room": room,
            "canPublish": True,
            "canSubscribe": True,
            "canPublishData": True,
            "canUpdateOwnMetadata": True,
            "agent": True,
            "canSubscribeMetrics": False,
        },
    }
