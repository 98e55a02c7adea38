"""The caller's view of the gateway: one clear line for everything that can be wrong."""

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.sandbox.caller.failures import BadInput
from services.sandbox.caller.gateway_client import GatewayClient, GatewayFailed
from services.sandbox.caller.voice import SandboxVoice


def answering(status: int, body: object) -> GatewayClient:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    return GatewayClient("http://gateway", transport=transport)


async def test_a_call_is_opened() -> None:
    """No call could be made."""
    body = {"callId": "C1", "token": "t", "livekitUrl": "ws://l", "roomName": "r", "agentId": "a"}
    opened = await answering(200, body).open_call("a", "hi-IN")
    assert (opened.call_id, opened.token, opened.livekit_url) == ("C1", "t", "ws://l")


@pytest.mark.parametrize(
    ("status", "body", "line", "code"),
    [
        (404, {"error": {"code": "unknown_agent", "message": "no agent 'x'"}}, "no agent 'x'", 2),
        (503, {"error": {"code": "unavailable", "message": "later"}}, "503: later", 1),
        (500, "what", "500", 1),
        (200, {"hello": 1}, "is it Bolchaal", 1),
        (200, [], "is it Bolchaal", 1),
    ],
)
async def test_a_refusal_is_one_line(status: int, body: object, line: str, code: int) -> None:
    """The user would see a traceback, or nothing."""
    with pytest.raises(GatewayFailed, match=line) as caught:
        await answering(status, body).open_call("x", "hi-IN")
    assert caught.value.exit_code == code


async def test_a_gateway_that_does_not_run_is_named() -> None:
    """The first thing that everybody forgets would be a riddle."""
    gateway = GatewayClient("http://127.0.0.1:1")
    with pytest.raises(GatewayFailed, match="make run") as caught:
        await gateway.open_call("default", "hi-IN")
    assert caught.value.exit_code == 2
    await gateway.aclose()


async def test_a_sandbox_that_does_not_run_is_named() -> None:
    """The call would begin, and the caller stay mute."""
    voice = SandboxVoice("http://127.0.0.1:1/sarvam/sandbox/utterances")
    with pytest.raises(BadInput, match="make run"):
        await voice("hello", "en-IN")
    await voice.aclose()


@pytest.fixture
async def breaking_gateway() -> AsyncIterator[str]:
    """Sends two events a connection, then breaks off."""

    async def events(request: web.Request) -> web.StreamResponse:
        begin = int(request.headers.get("Last-Event-ID", "0-0").split("-")[0])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": open\nretry: 1000\n\n")
        for number in (begin + 1, begin + 2):
            data = f'id: {number}-0\nevent: notice\ndata: {{"text": "{number}"}}\n\n'
            await response.write(data.encode())
        if request.transport is not None:
            request.transport.abort()
        return response

    app = web.Application()
    app.router.add_get("/api/calls/C1/events", events)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url(""))
    await server.close()


async def test_events_go_on_after_a_break(breaking_gateway: str) -> None:
    """A gateway that restarts in a call would hide the lead's delivery."""
    gateway = GatewayClient(breaking_gateway)
    seen = []
    async for entry in gateway.events("C1"):
        seen.append((entry.type, entry.data["text"]))
        if len(seen) == 5:
            break
    assert seen == [("notice", str(number)) for number in range(1, 6)]
    await gateway.aclose()


async def test_events_that_are_refused_are_an_error() -> None:
    """The call would wait for ever for events that never come."""
    gateway = answering(401, {"error": {"code": "unauthorized", "message": "no cookie"}})
    with pytest.raises(GatewayFailed, match="no cookie"):
        _ = [entry async for entry in gateway.events("C1")]
