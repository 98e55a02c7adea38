"""Letting go of a call when its job shuts down: the call ends, or is handed over."""

from functools import partial

from livekit import api
from loguru import logger
from redis.exceptions import RedisError

from services.agent.call import room_admin
from shared.calls import Call, Calls, HeldCall
from shared.errors import NotOwner
from shared.events import EndReason
from shared.redis.outage import retry_until_available

END_S = 10.0  # when Redis stays away for longer the gateway ends the call


class HandOver:
    """The end of one agent's hold on a call."""

    def __init__(self, calls: Calls, call: Call, held: HeldCall, server: api.LiveKitAPI) -> None:
        self._calls = calls
        self._call = call
        self._held = held
        self._server = server

    async def let_go(self, how: EndReason | None) -> None:
        """Ends the call as `how` says.

        None: the job is shut down from outside, since its room was closed (then the call ends), or
        since its worker stops (then another agent may take the call at once).
        """
        if how is not None:
            await self._end(how)
            return
        present = await room_admin.has_caller(
            self._server, self._call.room, self._call.caller_identity
        )
        if present is False:
            await self._end("room_closed")
        else:
            await self._release()

    async def _release(self) -> None:
        logger.info("call {} is handed over to another agent", self._call.id)
        try:
            await self._calls.release(self._held)
        except (NotOwner, RedisError, OSError):
            logger.info("the lease of call {} runs out by itself", self._call.id)

    async def _end(self, how: EndReason) -> None:
        end = partial(self._calls.end, self._call, how, held=self._held)
        try:
            ended = await retry_until_available("the end of a call", end, within=END_S)
        except NotOwner:
            return
        except (TimeoutError, RedisError):
            logger.warning("call {} is left for the gateway to end", self._call.id)
            return
        logger.info("call {} ended: {}", self._call.id, how)
        if ended and ended.first and how != "room_closed":
            await room_admin.close(self._server, self._call.room)
