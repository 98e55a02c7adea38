"""Webhooks: the gateway ends calls by them, and acts on none that is not signed."""

import asyncio
import json

from livekit import api

from services.sandbox.livekit import DevServer, Timings
from tests.sandbox.livekit.clients import KEY, SECRET, Clients, token
from tests.sandbox.livekit.hook import Hook


async def test_their_form(clients: Clients, hook: Hook) -> None:
    """Receivers read camelCase without empty fields. The receiver here checks the signature."""
    config = api.RoomConfiguration(departure_timeout=7, metadata="m")
    client = await clients.signal(token("a", config=config))
    await client.until("join")
    await hook.until("room_started")
    body = json.loads(hook.bodies[0])
    assert body["event"] == "room_started"
    assert body["room"]["departureTimeout"] == 7
    assert "numParticipants" not in body["room"]
    assert body["id"].startswith("EV_")


async def test_their_order_survives_a_receiver_that_fails(clients: Clients, hook: Hook) -> None:
    """A call would be started after it has ended."""
    hook.failures = 2
    lk = await clients.api()
    for number in range(3):
        await lk.room.create_room(api.CreateRoomRequest(name=f"r{number}"))
    await lk.room.delete_room(api.DeleteRoomRequest(room="r0"))
    await hook.until("room_finished")
    assert [(e.event, e.room.name) for e in hook.events] == [
        ("room_started", "r0"),
        ("room_started", "r1"),
        ("room_started", "r2"),
        ("room_finished", "r0"),
    ]


async def test_a_dead_receiver_delays_nobody(timings: Timings, hook: Hook) -> None:
    """The second receiver would miss calls because the first is down."""
    urls = ["http://127.0.0.1:9/hook", hook.url]
    server = DevServer(KEY, SECRET, webhook_urls=urls, timings=timings)
    async with server, Clients(server) as clients:
        await clients.signal(token("a"))
        await hook.until("room_started")


async def test_the_last_ones_are_sent_when_the_server_stops(timings: Timings, hook: Hook) -> None:
    """A gateway would keep calls open that ended with the server."""
    server = DevServer(KEY, SECRET, webhook_urls=[hook.url], timings=timings)
    await server.start()
    async with Clients(server) as clients:
        client = await clients.signal(token("a"))
        await client.until("join")
        async with asyncio.timeout(5):
            await server.stop()
        assert (await client.until("leave")).reason == api.DisconnectReason.SERVER_SHUTDOWN
    assert hook.names[-1] == "room_finished"
