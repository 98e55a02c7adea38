"""How the services' HTTP servers listen."""

import asyncio
import socket

import httpx
import pytest
from starlette.applications import Starlette

from shared.errors import SettingsError
from shared.runtime.health import Health
from shared.runtime.health_server import routes, serving
from shared.runtime.http_server import bind, serve

Accepted = list[socket.socket]


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> Accepted:
    """The connections that servers of this process take."""
    connections: Accepted = []
    accept = socket.socket.accept

    def recording(listener: socket.socket) -> tuple[socket.socket, object]:
        connection, address = accept(listener)
        connections.append(connection)
        return connection, address

    monkeypatch.setattr(socket.socket, "accept", recording)
    return connections


async def require_no_delay(url: str, accepted: Accepted) -> None:
    """Asks once and looks at the server's end of the connection while it is kept alive."""
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).status_code == 200
        options = [each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in accepted]
    assert options
    assert all(options)


async def test_health_answers_without_delay(accepted: Accepted) -> None:
    """Nagle's algorithm would add 44 ms to each answer but the first of a connection."""
    async with serving(Health("leads", "a-1"), "127.0.0.1", 0) as port:
        await require_no_delay(f"http://127.0.0.1:{port}/healthz", accepted)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_every_server_answers_without_delay(accepted: Accepted, address: str) -> None:
    """The same for whatever a service serves, over IPv4 and IPv6."""
    listener = bind(address, 0, "WEB_PORT")
    stop = asyncio.Event()
    app = Starlette(routes=routes(Health("any", "one")))
    task = asyncio.create_task(serve(app, listener, stop))
    host = f"[{address}]" if ":" in address else address
    await require_no_delay(f"http://{host}:{listener.getsockname()[1]}/healthz", accepted)
    stop.set()
    await task


def test_a_taken_port_is_named_by_its_setting() -> None:
    """An operator has to know which variable to change."""
    with bind("127.0.0.1", 0, "WEB_PORT") as taken, pytest.raises(SettingsError) as refusal:
        bind("127.0.0.1", taken.getsockname()[1], "HEALTH_PORT")
    assert refusal.value.message.startswith("HEALTH_PORT: port ")
