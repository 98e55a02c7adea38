"""The servers of the sandbox: each answers without Nagle's delay, and listens in one place."""

import ast
import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from services.sandbox.app import create_app
from services.sandbox.livekit import DevServer
from services.sandbox.llm import LlmStandIn
from services.sandbox.n8n import N8nStandIn
from services.sandbox.serve import HOST, listen, port_of
from services.sandbox.settings import SandboxSettings
from tests.architecture.sources import product_sources

APPS: dict[str, Callable[[], web.Application]] = {
    "all but LiveKit": lambda: create_app(SandboxSettings()),
    "llm alone": lambda: LlmStandIn().app(),
    "n8n alone": lambda: N8nStandIn().app(),
}
PATHS = {
    "all but LiveKit": (
        "/settings",
        "/sarvam/sandbox/sockets",
        "/llm/v1/models",
        "/n8n/healthz",
        "/caller/next",
    ),
    "llm alone": ("/v1/models",),
    "n8n alone": ("/healthz",),
    "LiveKit": ("/", "/rtc/v1", "/agent", "/twirp/livekit.RoomService/ListRooms"),
}
LISTENING = {"TCPSite", "SockSite", "UnixSite", "create_server", "run_app", "start_server"}


@asynccontextmanager
async def _running(name: str) -> AsyncIterator[web.AppRunner]:
    if name == "LiveKit":
        async with DevServer("key", "secret" * 8) as server:
            assert server._runner is not None
            yield server._runner
    else:
        runner = await listen(APPS[name](), 0)
        try:
            yield runner
        finally:
            await runner.cleanup()


@pytest.mark.parametrize("name", PATHS)
async def test_accepted_connections_have_no_delay(name: str) -> None:
    """With Nagle's algorithm on, each token, transcript or lead would come 44 ms later."""
    async with _running(name) as runner:
        for path in PATHS[name]:
            reader, writer = await asyncio.open_connection(HOST, port_of(runner))
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 ")
            assert runner.server is not None
            for connection in runner.server.connections:
                assert connection.transport is not None
                accepted = connection.transport.get_extra_info("socket")
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), path
                assert accepted.proto == socket.IPPROTO_TCP
            writer.close()
            await writer.wait_closed()


def test_servers_listen_in_one_place() -> None:
    """A server that opens its own socket is not covered by the test above."""
    found = {
        source.path
        for source in product_sources()
        if source.module.startswith("services.sandbox")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in LISTENING
    }
    assert found == {"services/sandbox/serve.py"}


async def test_a_taken_port_is_an_error() -> None:
    """A server that came up elsewhere would be looked for in vain."""
    first = await listen(N8nStandIn().app(), 0)
    with pytest.raises(OSError, match="address already in use"):
        await listen(N8nStandIn().app(), port_of(first))
    await first.cleanup()
