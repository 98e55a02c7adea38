"""Whom the session listens to, settled as the room is connected and not before."""

from typing import Any, cast

import pytest
from livekit import rtc

from services.agent.conversation.session import listen_to


class Room(rtc.EventEmitter[str]):
    connected = False

    def isconnected(self) -> bool:
        return self.connected

    def is_now(self, *, connected: bool) -> None:
        self.connected = connected
        self.emit("connection_state_changed", "whatever")


class Session:
    """Its room_io is there only once it has started, as the framework's."""

    started = False

    def __init__(self) -> None:
        self.linked: list[str] = []

    @property
    def room_io(self) -> "Session":
        if not self.started:
            raise RuntimeError("the session has no room yet")
        return self

    def set_participant(self, identity: str) -> None:
        self.linked.append(identity)


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def session() -> Session:
    return Session()


def test_the_caller_is_linked_when_the_room_is_connected(room: Room, session: Session) -> None:
    """A recorder or a supervisor who came first would be answered instead of the caller."""
    listen_to(cast("Any", session), cast("Any", room), "caller-1")
    session.started = True
    room.is_now(connected=False)
    assert session.linked == []
    room.is_now(connected=True)
    assert session.linked == ["caller-1"]


def test_a_reconnect_links_nobody_anew(room: Room, session: Session) -> None:
    """The framework keeps its participant over a reconnect; a call handed to a person must stay."""
    listen_to(cast("Any", session), cast("Any", room), "caller-1")
    session.started = True
    for connected in (True, False, True):
        room.is_now(connected=connected)
    assert session.linked == ["caller-1"]
