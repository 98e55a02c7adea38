"""A scripted agent worker, which speaks the worker protocol and nothing else."""

import asyncio
from collections.abc import Callable

import aiohttp
from livekit.protocol.agent import (
    AvailabilityRequest,
    AvailabilityResponse,
    JobAssignment,
    JobStatus,
    RegisterWorkerRequest,
    ServerMessage,
    UpdateJobStatus,
    UpdateWorkerStatus,
    WorkerMessage,
    WorkerStatus,
)
from livekit.protocol.models import ParticipantPermission

from shared.runtime.tasks import cancel

Answer = Callable[[AvailabilityRequest], AvailabilityResponse | None]


def accept(who: str, *, identity: str | None = None, attributes: dict[str, str]) -> Answer:
    """Takes every job, as the recorded workers did; `{job}` in `identity` is the job's id."""

    def answer(request: AvailabilityRequest) -> AvailabilityResponse:
        name = (identity or f"agent-{who}-{{job}}").format(job=request.job.id)
        return AvailabilityResponse(
            job_id=request.job.id,
            available=True,
            participant_name="The Agent",
            participant_identity=name,
            participant_metadata="am",
            participant_attributes=attributes,
        )

    return answer


def refuse(*, terminate: bool = False) -> Answer:
    return lambda request: AvailabilityResponse(job_id=request.job.id, terminate=terminate)


def ignore(_: AvailabilityRequest) -> None:
    """Never answers."""


class Worker:
    """One registered socket. `answer` may be replaced while it runs."""

    def __init__(self, url: str, token: str, answer: Answer) -> None:
        self.answer = answer
        self.assignments: asyncio.Queue[JobAssignment] = asyncio.Queue()
        self._url = url
        self._token = token
        self._session = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, agent_name: str, *, load: float = 0.0) -> None:
        """Registered when it returns."""
        self._socket = await self._session.ws_connect(
            f"{self._url}/agent", headers={"Authorization": f"Bearer {self._token}"}
        )
        permissions = ParticipantPermission(
            can_subscribe=True,
            can_publish=True,
            can_publish_data=True,
            can_update_metadata=True,
            agent=True,
        )
        registration = RegisterWorkerRequest(
            version="1.8.9", agent_name=agent_name, allowed_permissions=permissions
        )
        await self._send(WorkerMessage(register=registration))
        first = ServerMessage.FromString(await self._socket.receive_bytes(timeout=5))
        assert first.HasField("register")
        await self.report(load=load)
        self._task = asyncio.create_task(self._run())

    async def report(self, *, load: float = 0.0, full: bool = False) -> None:
        status = WorkerStatus.WS_FULL if full else WorkerStatus.WS_AVAILABLE
        await self._send(WorkerMessage(update_worker=UpdateWorkerStatus(status=status, load=load)))

    async def finish(self, job_id: str) -> None:
        await self._job(UpdateJobStatus(job_id=job_id, status=JobStatus.JS_SUCCESS))

    async def stop(self) -> None:
        await cancel(self._task)
        await self._session.close()

    async def _run(self) -> None:
        assert self._socket is not None
        async for message in self._socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                await self._handle(ServerMessage.FromString(message.data))

    async def _handle(self, message: ServerMessage) -> None:
        if message.HasField("availability"):
            answer = self.answer(message.availability)
            if answer is not None:
                await self._send(WorkerMessage(availability=answer))
        if message.HasField("assignment"):
            job_id = message.assignment.job.id
            await self._job(UpdateJobStatus(job_id=job_id, status=JobStatus.JS_RUNNING))
            self.assignments.put_nowait(message.assignment)

    async def _job(self, update: UpdateJobStatus) -> None:
        await self._send(WorkerMessage(update_job=update))

    async def _send(self, message: WorkerMessage) -> None:
        assert self._socket is not None
        await self._socket.send_bytes(message.SerializeToString())
