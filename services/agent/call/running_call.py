"""One call, from the lease to its end."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livekit.agents import JobContext, vad
from loguru import logger
from redis.asyncio import Redis

from services.agent.call import room_admin
from services.agent.call.hand_over import HandOver
from services.agent.call.lease import RENEW_EVERY_S, Lease
from services.agent.call.log_writer import CallLogWriter
from services.agent.call.presence import CallerPresence
from services.agent.conversation import session as sessions
from services.agent.conversation.barge_in import stop_at_once
from services.agent.conversation.conversation import Conversation
from services.agent.conversation.history import Earlier, turns
from services.agent.lead.recorder import LeadRecorder
from services.agent.lead.sink import open_sink
from services.agent.llm.models import ChatModel, close
from services.agent.provider_status.board import StatusBoard
from services.agent.provider_status.status import ProviderStatus
from services.agent.settings import AgentSettings
from services.agent.speech import models as speech
from shared.backoff import Backoff
from shared.bus import Bus
from shared.calls import Call, Calls, HeldCall
from shared.calls.log import AgentState, CallLog
from shared.clock import SYSTEM_CLOCK
from shared.errors import NotFound, Unavailable
from shared.events import CallResumed, CallStarted, EndReason
from shared.leads import Leads
from shared.leads.spool import Spool
from shared.runtime.background import Background
from shared.runtime.tasks import cancel, first_of

SOURCE = "agent"
TAIL_S = 0.5  # the last words are still on their way to the caller's ear when we have said them
DRAIN_S = 10.0  # for log entries that wait for Redis when the call is over

# A lease lasts for three seconds: a renewal that failed is tried again well before.
RESTART = Backoff(first=0.2, longest=1.0)
LOOPS_END_S = 2.0


@dataclass(frozen=True, slots=True)
class JobResources:
    """What a job process has made ready before there is a call."""

    settings: AgentSettings
    detector: vad.VAD
    models: Sequence[ChatModel]
    spool: Spool | None


class RunningCall:
    """A call that this process holds. `start` joins and speaks, `finish` is called once at the end.

    Whoever loses a call to another attempt leaves without a word, and without ending it.
    """

    def __init__(
        self,
        context: JobContext,
        resources: JobResources,
        redis: Redis,
        call: Call,
        held: HeldCall,
    ) -> None:
        self._context = context
        self._resources = resources
        self._settings = settings = resources.settings
        self._redis = redis
        self._call = call
        self._held = held
        self._calls = Calls(
            redis,
            source=SOURCE,
            keep_days=settings.keep_days,
            keep_log_days=settings.keep_log_days,
        )
        self._leads = Leads(redis, source=SOURCE, keep_days=settings.keep_days)
        self._log = CallLog(redis, keep_days=settings.keep_log_days)
        self._lease = Lease(self._calls, held)
        self._writer = CallLogWriter(self._log, held, limit=settings.log_queue)
        self._loops = Background(restart=RESTART, grace=LOOPS_END_S)
        self._conversation: Conversation | None = None
        self._presence: CallerPresence | None = None
        self._watch: asyncio.Task[None] | None = None
        self._how: EndReason | None = None

    async def start(self) -> None:
        """Joins the room and opens the conversation."""
        self._loops.every("lease", RENEW_EVERY_S, self._lease.renew)
        self._loops.run("call log", self._writer.run)
        self._writer.write(AgentState(state="joining"))
        conversation = self._conversation = await self._converse()
        room, settings = self._context.room, self._settings
        identity = self._call.caller_identity
        if identity is not None:
            sessions.listen_to(conversation.session, room, identity)
        await conversation.session.start(  # which connects while the greeting is being made
            conversation.agent,
            room=room,
            room_options=sessions.room_options(settings, conversation.typed.on_stream),
            session_host=False,
            record=False,
        )
        stop_at_once(conversation.session)
        self._presence = CallerPresence(
            room,
            conversation.finish,
            caller_identity=identity,
            grace=settings.caller_grace,
            wait=settings.caller_wait,
        )
        self._watch = asyncio.create_task(self._until_over(conversation), name="call")
        if self._resumed:
            await room_admin.remove_other_agents(
                self._context.api, room.name, room.local_participant.identity
            )
        await self._announce()

    @property
    def _resumed(self) -> bool:
        """Whether an agent had the call before, whatever was said."""
        return self._held.attempt > 1

    async def _converse(self) -> Conversation:
        call, settings, resources = self._call, self._settings, self._resources
        recorder = LeadRecorder(
            open_sink(self._leads, resources.spool, patience=settings.tool_patience),
            call,
            self._held,
            call.profile.localised(call.language, settings.default_language),
            self._writer.write,
        )
        return Conversation(
            settings,
            call,
            recorder=recorder,
            status=ProviderStatus(StatusBoard(self._redis), self._writer.write),
            log=self._writer.write,
            models=resources.models,
            make_speech=lambda listener: speech.build(settings, call, resources.detector, listener),
            earlier=await self._earlier() if self._resumed else None,
        )

    async def _earlier(self) -> Earlier:
        """What the agents of earlier attempts left."""
        said = turns(await self._log.read(self._call.id))
        try:
            values: dict[str, Any] = (await self._leads.get(self._call.lead_id)).values
        except NotFound:
            values = {}
        return Earlier(said, values)

    async def _announce(self) -> None:
        kind = CallResumed if self._resumed else CallStarted
        try:
            await Bus(self._redis, SOURCE).publish(
                kind(call_id=self._call.id, attempt=self._held.attempt)
            )
        except Unavailable:
            logger.warning("{} was not published: Redis is away", kind.type)

    async def _until_over(self, conversation: Conversation) -> None:
        """Waits for the end and has the job shut down, whatever happens."""
        try:
            self._how = await self._end_of(conversation)
        except Exception:  # noqa: BLE001 - of a fault of ours: the call must not go on unwatched
            logger.exception("the end of the call is not known: ending it")
            self._how = "failed"
        self._context.shutdown(reason=self._how or "another agent holds the call")

    async def _end_of(self, conversation: Conversation) -> EndReason | None:
        """How the call is to end, once it is; None when another agent holds it."""
        try:
            async with asyncio.timeout(self._settings.max_call):
                await first_of(conversation.finished, self._lease.lost, self._writer.lost)
        except TimeoutError:
            await conversation.say_goodbye()
        if not conversation.finished.done():
            return None
        how = conversation.finished.result()
        if how == "agent_finished":
            await SYSTEM_CLOCK.sleep(TAIL_S)
        return how

    async def finish(self) -> None:
        """The job is shutting down: the call ends, is handed over, or is left to its new holder."""
        await cancel(self._watch)
        if self._presence:
            self._presence.stop()
        if self._conversation:
            await self._conversation.aclose()
        self._writer.write(AgentState(state="left"))
        await self._writer.drain(DRAIN_S)
        # Before the call is let go of: a late renewal would take it back.
        await self._loops.aclose()
        if self._lease.lost.is_set() or self._writer.lost.is_set():
            logger.info("call {} is held by another agent: leaving", self._call.id)
        else:
            hand_over = HandOver(self._calls, self._call, self._held, self._context.api)
            await hand_over.let_go(self._how)
        await close(self._resources.models)
