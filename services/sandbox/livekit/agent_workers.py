"""Agent workers: their sockets, and which of them is asked to take a job (rules 23 to 33)."""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import WSMsgType
from aiohttp.web import WebSocketResponse
from google.protobuf.message import DecodeError
from livekit.protocol.agent import (
    AvailabilityRequest,
    AvailabilityResponse,
    Job,
    JobAssignment,
    JobStatus,
    JobTermination,
    JobType,
    RegisterWorkerRequest,
    RegisterWorkerResponse,
    ServerMessage,
    UpdateJobStatus,
    UpdateWorkerStatus,
    WorkerMessage,
    WorkerPing,
    WorkerPong,
    WorkerStatus,
)
from loguru import logger

from services.sandbox.livekit.outbox import Outbox
from services.sandbox.livekit.protocol import new_sid, server_info
from services.sandbox.livekit.timings import Timings

_LEAST_WEIGHT = 0.01  # of a worker that reports full load but is not full


@dataclass(eq=False, slots=True)
class AgentWorker:
    """One registered socket."""

    outbox: Outbox
    agent_name: str
    kind: JobType
    id: str = field(default_factory=lambda: new_sid("AW_"))
    load: float = 0.0
    full: bool = False
    offers: dict[str, asyncio.Future[AvailabilityResponse]] = field(default_factory=dict)
    """By job id: offers that have not been answered. Cancelled when the socket is lost."""
    jobs: set[str] = field(default_factory=set)
    """Ids of the jobs it runs."""

    def send(self, message: ServerMessage) -> None:
        self.outbox.send(message.SerializeToString())

    def lose(self) -> None:
        for offer in self.offers.values():
            offer.cancel()


class AgentWorkers:
    """All registered workers. `pick` chooses among the weighted; tests replace it."""

    def __init__(self, timings: Timings, node_id: str, pick: random.Random) -> None:
        self._timings = timings
        self._node_id = node_id
        self._random = pick
        self._workers: list[AgentWorker] = []

    # One socket.

    async def serve(self, socket: WebSocketResponse) -> None:
        """Until it closes. Anything but `register` first, or a second one, closes it."""
        outbox = Outbox(socket)
        worker: AgentWorker | None = None
        try:
            request = await self._registration(socket)
            if request is None:
                return
            worker = self._register(request, outbox)
            async for message in socket:
                if message.type != WSMsgType.BINARY:
                    continue
                if not self._handle(worker, message.data):
                    return
        finally:
            if worker is not None:
                self._workers.remove(worker)
                worker.lose()
                logger.info("worker {} of {!r} is gone", worker.id, worker.agent_name)
            await socket.close()
            await outbox.end()

    async def _registration(self, socket: WebSocketResponse) -> RegisterWorkerRequest | None:
        with suppress(TimeoutError, DecodeError):
            message = await socket.receive(timeout=self._timings.register)
            if message.type == WSMsgType.BINARY:
                request = WorkerMessage.FromString(message.data)
                return request.register if request.HasField("register") else None
        return None

    def _register(self, request: RegisterWorkerRequest, outbox: Outbox) -> AgentWorker:
        worker = AgentWorker(outbox, request.agent_name, request.type)
        self._workers.append(worker)
        answer = RegisterWorkerResponse(worker_id=worker.id, server_info=server_info(self._node_id))
        worker.send(ServerMessage(register=answer))
        logger.info("worker {} registered for {!r}", worker.id, worker.agent_name)
        return worker

    def _handle(self, worker: AgentWorker, data: bytes) -> bool:
        """False when the socket is to be closed."""
        try:
            message = WorkerMessage.FromString(data)
        except DecodeError:
            return False
        match message.WhichOneof("message"):
            case "register":
                return False
            case "availability":
                self._answered(worker, message.availability)
            case "update_worker":
                self._status(worker, message.update_worker)
            case "update_job":
                self._job(worker, message.update_job)
            case "ping":
                self._pong(worker, message.ping)
            case other:
                logger.debug("worker {}: {} is not handled", worker.id, other)
        return True

    def _answered(self, worker: AgentWorker, answer: AvailabilityResponse) -> None:
        offer = worker.offers.get(answer.job_id)
        if offer is not None and not offer.done():
            offer.set_result(answer)

    def _status(self, worker: AgentWorker, status: UpdateWorkerStatus) -> None:
        worker.load = status.load
        worker.full = status.status == WorkerStatus.WS_FULL or status.draining

    def _job(self, worker: AgentWorker, update: UpdateJobStatus) -> None:
        """One that has ended needs no termination; ListDispatch goes on showing it as running."""
        if update.status in (JobStatus.JS_SUCCESS, JobStatus.JS_FAILED):
            worker.jobs.discard(update.job_id)

    def _pong(self, worker: AgentWorker, ping: WorkerPing) -> None:
        now = time.time_ns() // 1_000_000
        worker.send(ServerMessage(pong=WorkerPong(last_timestamp=ping.timestamp, timestamp=now)))

    def close(self) -> None:
        """The server stops: every worker's socket is closed."""
        for worker in self._workers:
            worker.outbox.close()

    # Offers.

    def has(self, agent_name: str, kind: JobType = JobType.JT_ROOM) -> bool:
        return any(w.agent_name == agent_name and w.kind == kind for w in self._workers)

    async def offer(self, job: Job) -> tuple[AgentWorker, AvailabilityResponse] | None:
        """Ask one worker after the other; None when nobody takes it."""
        asked: set[AgentWorker] = set()
        while (worker := self._choose(job, asked)) is not None:
            asked.add(worker)
            job.state.worker_id = worker.id
            try:
                answer = await self._ask(worker, job)
            except TimeoutError:
                logger.warning("worker {} has not answered: job {} is lost", worker.id, job.id)
                return None
            if answer is None:
                continue
            if answer.available:
                return worker, answer
            if answer.terminate:
                logger.info("worker {} refuses job {} for good", worker.id, job.id)
                return None
        if job.agent_name:  # every room also wants an unnamed agent, which seldom exists
            logger.info("no worker takes job {} for {!r}", job.id, job.agent_name)
        return None

    async def _ask(self, worker: AgentWorker, job: Job) -> AvailabilityResponse | None:
        """None when its socket was lost. Raises TimeoutError."""
        offer = asyncio.get_running_loop().create_future()
        worker.offers[job.id] = offer
        worker.send(ServerMessage(availability=AvailabilityRequest(job=job)))
        try:
            done, _ = await asyncio.wait([offer], timeout=self._timings.job_answer)
        finally:
            del worker.offers[job.id]
        if not done:
            raise TimeoutError
        return None if offer.cancelled() else offer.result()

    def _choose(self, job: Job, asked: set[AgentWorker]) -> AgentWorker | None:
        """At random, the less loaded the likelier."""
        free = [
            w
            for w in self._workers
            if (w.agent_name, w.kind) == (job.agent_name, job.type)
            and not w.full
            and w not in asked
        ]
        if not free:
            return None
        weights = [max(_LEAST_WEIGHT, 1 - w.load) for w in free]
        return self._random.choices(free, weights)[0]

    def assign(self, worker: AgentWorker, assignment: JobAssignment) -> None:
        worker.jobs.add(assignment.job.id)
        worker.send(ServerMessage(assignment=assignment))

    def terminate(self, job_id: str) -> None:
        """Tell the worker that runs it, unless it has said itself that the job has ended."""
        for worker in self._workers:
            if job_id in worker.jobs:
                worker.jobs.discard(job_id)
                worker.send(ServerMessage(termination=JobTermination(job_id=job_id)))
