"""What the gateway asks of LiveKit's server API.

A Protocol says what the watchdog and the webhooks need; LiveKitServer is the real one. Its errors
become two of ours: refused (key or name: a person must act) and away (try later).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp
from livekit.api import (
    CreateAgentDispatchRequest,
    DeleteRoomRequest,
    ListParticipantsRequest,
    ListRoomsRequest,
    LiveKitAPI,
    ServerError,
)

from shared.calls.caller import is_caller
from shared.errors import Unavailable
from shared.runtime.settings import LiveKitSettings

TIMEOUT_S = 3.0  # a cloud answers in 0.3 s


class LiveKitRooms(Protocol):
    """Rooms as the gateway sees them. All raise LiveKitError."""

    async def caller_present(self, room: str, identity: str | None) -> bool:
        """Whether the call's caller is in the room; `identity` is the one stored with the call."""
        ...

    async def room_exists(self, room: str) -> bool: ...

    async def dispatch(self, room: str, call_id: str) -> None:
        """Asks for another agent: LiveKit itself never dispatches twice."""
        ...

    async def delete_room(self, room: str) -> None: ...

    async def check(self) -> None:
        """One harmless request, to learn whether the server takes our key."""
        ...


class LiveKitError(Unavailable):
    """LiveKit does not do what it is asked."""


class LiveKitRefused(LiveKitError):
    """It does not take our key or secret."""

    code = "livekit_refused"


class LiveKitAway(LiveKitError):
    """It does not answer, or answers with an error."""

    code = "livekit_away"


class LiveKitServer:
    """LiveKitRooms over HTTP; use as `async with`."""

    def __init__(self, settings: LiveKitSettings) -> None:
        self._settings = settings
        self._api: LiveKitAPI | None = None

    async def __aenter__(self) -> "LiveKitServer":
        self._api = LiveKitAPI(
            self._settings.livekit_url,
            self._settings.livekit_api_key,
            self._settings.livekit_api_secret.get_secret_value(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            failover=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._api is not None:
            await self._api.aclose()

    async def caller_present(self, room: str, identity: str | None) -> bool:
        async with self._asking() as api:
            answer = await api.room.list_participants(ListParticipantsRequest(room=room))
        return any(is_caller(each.identity, each.kind, identity) for each in answer.participants)

    async def room_exists(self, room: str) -> bool:
        async with self._asking() as api:
            answer = await api.room.list_rooms(ListRoomsRequest(names=[room]))
        return any(found.name == room for found in answer.rooms)

    async def dispatch(self, room: str, call_id: str) -> None:
        request = CreateAgentDispatchRequest(
            agent_name=self._settings.agent_name, room=room, metadata=call_id
        )
        async with self._asking() as api:
            await api.agent_dispatch.create_dispatch(request)

    async def delete_room(self, room: str) -> None:
        async with self._asking(gone_is_fine=True) as api:
            await api.room.delete_room(DeleteRoomRequest(room=room))

    async def check(self) -> None:
        async with self._asking() as api:
            await api.room.list_rooms(ListRoomsRequest(names=["no-such-room"]))

    @asynccontextmanager
    async def _asking(self, *, gone_is_fine: bool = False) -> AsyncIterator[LiveKitAPI]:
        """The client, with its errors made ours; `gone_is_fine` takes 404 for success."""
        if self._api is None:
            raise LiveKitAway("the LiveKit client is not open")
        try:
            yield self._api
        except ServerError as error:
            if error.status in (401, 403):
                raise LiveKitRefused(
                    "LiveKit refuses LIVEKIT_API_KEY or LIVEKIT_API_SECRET",
                ) from error
            if error.status == 404 and gone_is_fine:
                return
            raise LiveKitAway(f"LiveKit answered {error.status} {error.code}") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise LiveKitAway(f"LiveKit does not answer ({type(error).__name__})") from error
