"""The gateway as a caller's program uses it: a token, the questions, the call's events."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from services.sandbox.caller.failures import BadInput, CallFailed
from services.sandbox.caller.script import Asked, read_questions

RECONNECT_S = 0.2


class GatewayFailed(CallFailed):
    """The gateway refused, or does not answer; the message says which."""

    def __init__(self, message: str, *, bad_input: bool = False) -> None:
        super().__init__(message)
        if bad_input:
            self.exit_code = BadInput.exit_code


@dataclass(frozen=True, slots=True)
class OpenedCall:
    """A call that may be joined."""

    call_id: str
    token: str
    livekit_url: str
    room: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the call's log."""

    type: str
    data: dict[str, Any]


class GatewayClient:
    """`url` without a path. `api_key` for private routes, where the gateway wants one."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
            timeout=30,
            transport=transport,
        )
        self.url = url

    async def aclose(self) -> None:
        await self._http.aclose()

    async def open_call(self, agent_id: str, language: str) -> OpenedCall:
        """Asks for a token. The cookie that lets us follow the call stays in the client."""
        body = {"agentId": agent_id, "language": language, "userName": ""}
        data = await self._json("POST", "/api/token", json=body)
        try:
            return OpenedCall(
                str(data["callId"]),
                str(data["token"]),
                str(data["livekitUrl"]),
                str(data["roomName"]),
            )
        except (KeyError, TypeError):
            raise GatewayFailed(f"{self.url}/api/token gave no token: is it Bolchaal?") from None

    async def questions(self, call_id: str) -> tuple[Asked, ...]:
        """What the agent of an opened call will ask, in the call's language."""
        data = await self._json("GET", f"/api/calls/{call_id}")
        return read_questions(data.get("questions"))

    async def profile(self, agent_id: str) -> dict[str, Any]:
        """The profile as GET /api/config/ID gives it."""
        return await self._json("GET", f"/api/config/{agent_id}")

    async def events(self, call_id: str) -> AsyncIterator[LogEntry]:
        """The call's log from its start, over every break of the connection, until it is closed."""
        last_id = ""
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            try:
                async with self._http.stream(
                    "GET", f"/api/calls/{call_id}/events", headers=headers, timeout=None
                ) as response:
                    if response.status_code != 200:
                        await response.aread()
                        raise GatewayFailed(_reason(response))
                    async for event_id, entry in _entries(response):
                        last_id = event_id or last_id
                        yield entry
            except httpx.TransportError:
                pass  # a gateway that restarts, or a replica that stops
            await asyncio.sleep(RECONNECT_S)

    async def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, **more)
        except httpx.HTTPError:
            raise GatewayFailed(
                f"nothing answers at {self.url}: start it with `make run`, or set GATEWAY_URL",
                bad_input=True,
            ) from None
        if response.status_code != 200:
            refused = 400 <= response.status_code < 500
            raise GatewayFailed(_reason(response), bad_input=refused)
        try:
            data = response.json()
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise GatewayFailed(f"{self.url}{path} gave no JSON object: is it Bolchaal?")
        return data


async def _entries(response: httpx.Response) -> AsyncIterator[tuple[str, LogEntry]]:
    """Server-sent events: id, then type and data of each."""
    event_id, kind, data = "", "", []
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                event_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)
            continue
        if data:
            yield event_id, LogEntry(kind, json.loads("\n".join(data)))
        event_id, kind, data = "", "", []


def _reason(response: httpx.Response) -> str:
    try:
        error = response.json()["error"]
        text = error["message"] if isinstance(error, dict) else str(error)
    except (ValueError, KeyError, TypeError):
        text = response.text[:200] or "no reason given"
    return f"the gateway answered {response.status_code}: {text}"
