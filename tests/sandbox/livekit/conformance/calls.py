"""Twirp and plain HTTP requests, made to the server directly."""

import json
from typing import Any

import aiohttp
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from livekit.protocol import agent_dispatch, models, room

from tests.sandbox.livekit.conformance import normal
from tests.sandbox.livekit.conformance.trace import Trace

_METHODS: dict[str, tuple[type[Message], type[Message]]] = {
    "RoomService/CreateRoom": (room.CreateRoomRequest, models.Room),
    "RoomService/ListRooms": (room.ListRoomsRequest, room.ListRoomsResponse),
    "RoomService/DeleteRoom": (room.DeleteRoomRequest, room.DeleteRoomResponse),
    "RoomService/ListParticipants": (
        room.ListParticipantsRequest,
        room.ListParticipantsResponse,
    ),
    "RoomService/GetParticipant": (room.RoomParticipantIdentity, models.ParticipantInfo),
    "RoomService/RemoveParticipant": (
        room.RoomParticipantIdentity,
        room.RemoveParticipantResponse,
    ),
    "RoomService/MutePublishedTrack": (room.MuteRoomTrackRequest, room.MuteRoomTrackResponse),
    "RoomService/UpdateParticipant": (room.UpdateParticipantRequest, models.ParticipantInfo),
    "RoomService/SendData": (room.SendDataRequest, room.SendDataResponse),
    "RoomService/UpdateRoomMetadata": (room.UpdateRoomMetadataRequest, models.Room),
    "AgentDispatchService/CreateDispatch": (
        agent_dispatch.CreateAgentDispatchRequest,
        agent_dispatch.AgentDispatch,
    ),
    "AgentDispatchService/ListDispatch": (
        agent_dispatch.ListAgentDispatchRequest,
        agent_dispatch.ListAgentDispatchResponse,
    ),
    "AgentDispatchService/DeleteDispatch": (
        agent_dispatch.DeleteAgentDispatchRequest,
        agent_dispatch.AgentDispatch,
    ),
}
PROTOBUF, JSON = "application/protobuf", "application/json"


class Calls:
    """What `sdk:api` and plain requests did in the recordings."""

    def __init__(self, trace: Trace, base_url: str) -> None:
        self._trace = trace
        self._base_url = base_url
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self._session.close()

    async def twirp(
        self, method: str, request: dict[str, Any], token: str | None, *, noted: bool = True
    ) -> dict[str, Any]:
        """In protobuf. The answer as a recording shows it; its `response` is text for an error.

        `noted` False: the recording does not show this call either.
        """
        sent, received = _METHODS[method]
        data = ParseDict(request, sent()).SerializeToString()
        status, content_type, body = await self._post(method, data, token, PROTOBUF)
        answer: dict[str, Any] | str = body.decode(errors="replace")
        if content_type == PROTOBUF:
            message = received()
            message.ParseFromString(body)
            answer = normal.message(message)
        if not noted:
            return {"status": status, "response": answer}
        return self._answered(method, status, content_type, answer)

    async def twirp_json(
        self, method: str, text: str, token: str | None, *, content_type: str = JSON
    ) -> dict[str, Any]:
        """In JSON, whatever `text` is."""
        status, kind, body = await self._post(method, text.encode(), token, content_type)
        answer = body.decode(errors="replace")
        is_json = kind.startswith(JSON) and status == 200
        return self._answered(method, status, kind, json.loads(answer) if is_json else answer)

    async def preflight(self, method: str) -> None:
        """What a browser asks before it calls from another origin."""
        headers = {"Origin": "http://example.test", "Access-Control-Request-Method": "POST"}
        url = f"{self._base_url}/twirp/livekit.{method}"
        async with self._session.options(url, headers=headers) as answer:
            kind = answer.headers.get("Content-Type", "")
            self._answered(method, answer.status, kind, await answer.text())

    def _answered(self, method: str, status: int, kind: str, response: Any) -> dict[str, Any]:
        answer = {"status": status, "response": response}
        self._trace.see("twirp", "s>c", method, answer, content_type=kind)
        return answer

    async def _post(
        self, method: str, data: bytes, token: str | None, content_type: str
    ) -> tuple[int, str, bytes]:
        service = method if method.startswith("Nope") else f"livekit.{method}"
        url = f"{self._base_url}/twirp/{service}"
        headers = _bearer(token) | {"Content-Type": content_type}
        async with self._session.post(url, data=data, headers=headers) as answer:
            body = await answer.read()
            return answer.status, answer.headers.get("Content-Type", ""), body

    async def http(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> None:
        async with self._session.request(
            method,
            self._base_url + path,
            headers=_bearer(token) | (headers or {}),
            params=params,
            skip_auto_headers=("Content-Type",),
        ) as answer:
            self._trace.see(
                "http",
                "s>c",
                f"{method} {path}",
                {
                    "status": answer.status,
                    "content_type": answer.headers.get("Content-Type", ""),
                    "body": await answer.text(),
                    "cors": {
                        name: value
                        for name, value in answer.headers.items()
                        if name.startswith("Access-Control-")
                    },
                },
            )


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}
