"""One call, from the lease to its end."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from livekit.agents import JobContext, llm, vad
from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.agent.call import room_admin as rooms
from services.agent.call.lease import Lease
from services.agent.call.log_writer import TurnLog
from services.agent.call.presence import CallerPresence
from services.agent.conversation import history, session as sessions
from services.agent.conversation.barge_in import stop_at_once
from services.agent.conversation.conversation import Conversation
from services.agent.lead import sink as saving
from services.agent.lead.tools import LeadBook
from services.agent.provider_status.board import CallFaults, FaultBoard
from services.agent.settings import AgentSettings
from services.agent.speech import models as speech
from shared.bus import Bus, retry_until_available
from shared.calls import Call, Calls, HeldCall
from shared.calls.log import CallLog, Turn
from shared.errors import NotFound, NotOwner, Unavailable
from shared.events import CallResumed, CallStarted, EndReason
from shared.leads import Leads
from shared.leads.spool import Spool
from shared.runtime.tasks import cancel

SOURCE = "agent"
TAIL_S = 0.5  # the last words are still on their way to the caller's ear when we have said them
DRAIN_S = 10.0  # for log entries that wait for Redis when the call is over
END_S = 10.0  # when Redis stays away for longer the gateway ends the call


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a job process has made ready before there is a call."""

    settings: AgentSettings
    detector: vad.VAD
    models: Sequence[llm.LLM[Any]]
    spool: Spool | None


class RunningCall:
    """A call that this process holds. `start` joins and speaks, `finish` is called once at the end.

    Whoever loses a call to another attempt leaves without a word, and without ending it.
    """

    def __init__(
        self,
        context: JobContext,
        equipment: Equipment,
        redis: Redis,
        call: Call,
        held: HeldCall,
    ) -> None:
        self._context = context
        self._equipment = equipment
        self._settings = settings = equipment.settings
        self._redis = redis
        self._call = call
        self._held = held
        self._calls = Calls(
            redis,
            source=SOURCE,
            keep_days=settings.keep_days,
            keep_log_days=settings.keep_log_days,
        )
        self._lease = Lease(self._calls, held)
        written = CallLog(redis, keep_days=settings.keep_log_days)
        self._log = TurnLog(written, held, limit=settings.log_queue)
        self._conversation: Conversation | None = None
        self._presence: CallerPresence | None = None
        self._watch: asyncio.Task[None] | None = None
        self._how: EndReason | None = None

    async def start(self) -> None:
        """Joins the room and opens the conversation."""
        self._log.joining()
        said = history.turns(await CallLog(self._redis).read(self._call.id))
        self._conversation = conversation = await self._converse(said)
        room, server = self._context.room, self._context.api
        await conversation.session.start(
            conversation.agent,
            room=room,
            room_options=sessions.room_options(self._settings, conversation.typed.on_stream),
            session_host=False,
            record=False,
        )
        stop_at_once(conversation.session)
        self._presence = CallerPresence(
            room,
            conversation.finish,
            grace=self._settings.caller_grace,
            wait=self._settings.caller_wait,
        )
        self._watch = asyncio.create_task(self._until_over(conversation), name="call")
        if self._held.attempt > 1:
            await rooms.remove_other_agents(server, room.name, room.local_participant.identity)
        await self._announce(resumed=bool(said))

    async def _converse(self, said: Sequence[Turn]) -> Conversation:
        call, settings, equipment = self._call, self._settings, self._equipment
        localised = call.profile.localised(call.language, settings.default_language)
        leads = Leads(self._redis, source=SOURCE, keep_days=self._settings.keep_days)
        sink = saving.sink(leads, equipment.spool, patience=settings.tool_patience)
        book = LeadBook(sink, call, self._held.attempt, localised, self._log)
        return Conversation(
            settings=settings,
            call=call,
            localised=localised,
            book=book,
            log=self._log,
            faults=CallFaults(FaultBoard(self._redis), self._log),
            models=equipment.models,
            make_voice=lambda listener: speech.make(settings, call, equipment.detector, listener),
            said=said,
            collected=await self._collected(leads) if said else None,
        )

    async def _collected(self, leads: Leads) -> dict[str, Any]:
        try:
            return (await leads.get(self._call.lead_id)).values
        except NotFound:
            return {}

    async def _announce(self, *, resumed: bool) -> None:
        kind = CallResumed if resumed else CallStarted
        try:
            await Bus(self._redis, SOURCE).publish(
                kind(call_id=self._call.id, attempt=self._held.attempt)
            )
        except Unavailable:
            logger.warning("{} was not published: Redis is away", kind.type)

    async def _until_over(self, conversation: Conversation) -> None:
        """Waits for the end, whichever comes first, and has the job shut down."""
        lost = [asyncio.create_task(each.wait()) for each in (self._lease.lost, self._log.lost)]
        try:
            async with asyncio.timeout(self._settings.max_call):
                ends: list[asyncio.Future[Any]] = [conversation.finished, *lost]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await conversation.say_goodbye()
        finally:
            for task in lost:
                task.cancel()
        if conversation.finished.done():
            self._how = conversation.finished.result()
            if self._how == "agent_finished":
                await asyncio.sleep(TAIL_S)
        self._context.shutdown(reason=self._how or "another agent holds the call")

    async def finish(self) -> None:
        """The job is shutting down: ends the call, hands it on, or leaves it to its new holder."""
        await cancel(self._watch)
        if self._presence:
            self._presence.stop()
        if self._conversation:
            await self._conversation.aclose()
        self._log.left()
        await self._log.drain(DRAIN_S)
        await self._lease.aclose()
        if self._lease.lost.is_set() or self._log.lost.is_set():
            logger.info("call {} is held by another agent: leaving", self._call.id)
        else:
            await self._end_or_hand_on()
        await self._log.aclose()
        for model in self._equipment.models:
            await model.aclose()

    async def _end_or_hand_on(self) -> None:
        """A job may be shut down from outside: its room was closed, or its worker stops."""
        if self._how is not None:
            await self._end(self._how)
        elif await rooms.has_caller(self._context.api, self._context.room.name) is False:
            await self._end("room_closed")
        else:
            await self._hand_on()

    async def _hand_on(self) -> None:
        """This worker stops while the caller is there: another one may take the call at once."""
        logger.info("call {} is handed on to another agent", self._call.id)
        try:
            await self._calls.release(self._held)
        except (NotOwner, RedisError, OSError):
            logger.info("the lease of call {} runs out by itself", self._call.id)

    async def _end(self, how: EndReason) -> None:
        end = partial(self._calls.end, self._call, how, held=self._held)
        try:
            async with asyncio.timeout(END_S):
                ended = await retry_until_available("the end of a call", end)
        except NotOwner:
            return
        except (TimeoutError, RedisError):
            logger.warning("call {} is left for the gateway to end", self._call.id)
            return
        logger.info("call {} ended: {}", self._call.id, how)
        if ended and ended.first and how != "room_closed":
            await rooms.close(self._context.api, self._context.room.name)
