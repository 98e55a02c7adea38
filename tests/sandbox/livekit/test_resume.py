"""Clients that come back on a new socket: a change of network must not end a call."""

import pytest
from livekit.protocol import models, rtc

from tests.sandbox.livekit.clients import Clients, Signal, token
from tests.sandbox.livekit.hook import Hook

Action = rtc.LeaveRequest.Action
Reason = models.DisconnectReason


async def _joined(clients: Clients, identity: str) -> tuple[Signal, str]:
    client = await clients.signal(token(identity))
    return client, (await client.until("join")).participant.sid


def _keep_after_loss(clients: Clients, identity: str) -> None:
    """A raw socket has no media; the server keeps only those whose media it has heard."""
    room = clients.server.rooms.get("room")
    assert room is not None
    room.participants[identity].link.ice._heard()


async def _resume(clients: Clients, identity: str, sid: str) -> Signal:
    join = rtc.JoinRequest(reconnect=True, participant_sid=sid)
    return await clients.signal(token(identity), join)


async def test_the_messages_of_a_resume(clients: Clients, hook: Hook) -> None:
    """A client that is not told of the others would show an empty room."""
    watcher, _ = await _joined(clients, "watcher")
    first, sid = await _joined(clients, "a")
    _keep_after_loss(clients, "a")
    await first.socket.close()
    second = await _resume(clients, "a", sid)
    await second.until("refresh_token")
    assert second.kinds == ["reconnect", "update", "room_update", "refresh_token"]
    told = second.seen[1].update.participants
    assert [p.identity for p in told] == ["watcher", "a"]
    assert told[1].sid == sid
    assert "participant_left" not in hook.names
    await second.send(ping_req=rtc.Ping(timestamp=1))
    await second.until("pong_resp")
    gone = [p for m in watcher.seen for p in m.update.participants if p.sid == sid]
    assert models.ParticipantInfo.State.DISCONNECTED not in [p.state for p in gone]


async def test_a_second_socket_replaces_the_first(clients: Clients) -> None:
    """The dead socket of a lost network may be noticed only minutes later."""
    first, sid = await _joined(clients, "a")
    _keep_after_loss(clients, "a")
    second = await _resume(clients, "a", sid)
    await second.until("refresh_token")
    assert await first.closed() == 1000
    await second.send(ping_req=rtc.Ping(timestamp=1))
    await second.until("pong_resp")


@pytest.mark.parametrize(
    ("scenario", "action"),
    [
        (rtc.SimulateScenario(migration=True), Action.RESUME),
        (rtc.SimulateScenario(leave_request_full_reconnect=True), Action.RECONNECT),
    ],
)
async def test_faults_that_a_client_asks_for(
    clients: Clients, scenario: rtc.SimulateScenario, action: int
) -> None:
    """Other people's tests watch their client recover from these."""
    client, _ = await _joined(clients, "a")
    _keep_after_loss(clients, "a")
    await client.send(simulate=scenario)
    assert (await client.until("leave")).action == action
    assert await client.closed() == 1000


async def test_a_simulated_failure_of_the_node(clients: Clients) -> None:
    """The client must find itself unknown, and join anew."""
    client, sid = await _joined(clients, "a")
    await client.send(simulate=rtc.SimulateScenario(node_failure=True))
    assert await client.closed() == 1000
    assert "leave" not in client.kinds
    again = await _resume(clients, "a", sid)
    leave = await again.until("leave")
    assert (leave.action, leave.reason) == (Action.RECONNECT, Reason.STATE_MISMATCH)


async def test_a_resume_that_is_cut_off(clients: Clients) -> None:
    """A client must try again when the first try breaks."""
    client, sid = await _joined(clients, "a")
    _keep_after_loss(clients, "a")
    await client.send(simulate=rtc.SimulateScenario(disconnect_signal_on_resume=True))
    await client.send(ping_req=rtc.Ping(timestamp=1))
    await client.until("pong_resp")
    cut = await _resume(clients, "a", sid)
    assert await cut.closed() == 1000
    again = await _resume(clients, "a", sid)
    await again.until("reconnect")
