"""AgentDispatchService: which agents are wanted in a room, asked and changed from outside."""

import asyncio
from collections.abc import Mapping

from google.protobuf.message import Message
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    CreateAgentDispatchRequest,
    DeleteAgentDispatchRequest,
    ListAgentDispatchRequest,
    ListAgentDispatchResponse,
)
from livekit.protocol.room import RoomConfiguration

from services.sandbox.livekit.dispatches import AgentDispatches
from services.sandbox.livekit.grants import Token
from services.sandbox.livekit.rooms import Rooms
from services.sandbox.livekit.timings import Timings
from services.sandbox.livekit.twirp import Method, denied, not_found, unavailable

_NO_DISPATCH = "dispatch ID not found"


class DispatchService:
    """All methods need roomAdmin for the room."""

    def __init__(self, rooms: Rooms, dispatches: AgentDispatches, timings: Timings) -> None:
        self._rooms = rooms
        self._dispatches = dispatches
        self._timings = timings

    @property
    def methods(self) -> Mapping[str, Method]:
        return {
            "CreateDispatch": Method(CreateAgentDispatchRequest, self._create),
            "ListDispatch": Method(ListAgentDispatchRequest, self._list),
            "DeleteDispatch": Method(DeleteAgentDispatchRequest, self._delete),
        }

    async def _create(self, token: Token, request: CreateAgentDispatchRequest) -> Message:
        """A room that is not there is made, and gets its unnamed dispatch besides."""
        if not token.administers(request.room):
            raise denied()
        room = self._rooms.get_or_create(request.room, RoomConfiguration())
        wanted = AgentDispatch(
            agent_name=request.agent_name,
            metadata=request.metadata,
            attributes=request.attributes,
            restart_policy=request.restart_policy,
            deployment=request.deployment,
        )
        return self._dispatches.create(room, wanted)

    async def _list(self, token: Token, request: ListAgentDispatchRequest) -> Message:
        if not token.administers(request.room):
            raise denied()
        room = self._rooms.get(request.room)
        if room is None:
            await asyncio.sleep(self._timings.unknown_room)
            raise unavailable()
        if not request.dispatch_id:
            return ListAgentDispatchResponse(agent_dispatches=self._dispatches.list(room))
        found = self._dispatches.find(room, request.dispatch_id)
        return ListAgentDispatchResponse(agent_dispatches=[found] if found is not None else [])

    async def _delete(self, token: Token, request: DeleteAgentDispatchRequest) -> Message:
        if not token.administers(request.room):
            raise denied()
        room = self._rooms.get(request.room)
        deleted = self._dispatches.delete(room, request.dispatch_id) if room is not None else None
        if deleted is None:
            raise not_found(_NO_DISPATCH)
        return deleted
