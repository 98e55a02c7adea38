"""One client of a room: who it is, and its signal socket. Its media is in participant.py."""

import time
from collections.abc import Mapping

from livekit.protocol.models import ClientInfo, DisconnectReason, ParticipantInfo
from livekit.protocol.rtc import (
    LeaveRequest,
    ParticipantUpdate,
    SignalResponse,
    TrackUnpublishedResponse,
)

from services.sandbox.livekit.audience import Audience
from services.sandbox.livekit.grants import Authority, Token
from services.sandbox.livekit.outbox import Outbox
from services.sandbox.livekit.protocol import new_sid

State = ParticipantInfo.State


def describe(token: Token, client: ClientInfo, joined_at: float) -> ParticipantInfo:
    """A newcomer as its token and its client tell of it; `joined_at` seconds since 1970."""
    return ParticipantInfo(
        sid=new_sid("PA_"),
        identity=token.identity,
        name=str(token.claims.get("name") or ""),
        metadata=str(token.claims.get("metadata") or ""),
        attributes=token.attributes,
        state=State.JOINING,
        kind=token.kind,
        joined_at=int(joined_at),
        joined_at_ms=int(joined_at * 1000),
        permission=token.permission(),
        client_protocol=client.client_protocol,
        capabilities=client.capabilities,
    )


class Peer:
    """What tracks, data and the other parts know of a participant: its description, and a way to
    send it messages. Its sockets may come and go."""

    def __init__(self, token: Token, info: ParticipantInfo, authority: Authority) -> None:
        self._token = token
        self._authority = authority
        self.info = info
        self.outbox: Outbox | None = None
        self.socket_lost_at: float | None = None
        """Monotonic time at which the signal socket went away; None while there is one."""
        self.audience: Audience | None = None
        """Who may listen to it; None is everybody."""

    @property
    def sid(self) -> str:
        return self.info.sid

    @property
    def identity(self) -> str:
        return self.info.identity

    @property
    def is_agent(self) -> bool:
        return self.info.kind == ParticipantInfo.Kind.AGENT

    @property
    def hidden(self) -> bool:
        return self.info.permission.hidden

    @property
    def gone(self) -> bool:
        return self.info.state == State.DISCONNECTED

    def attach(self, outbox: Outbox) -> None:
        """Messages go to this socket from now on."""
        if self.outbox is not None:
            self.outbox.close()
        self.outbox = outbox
        self.socket_lost_at = None

    def detach(self, outbox: Outbox) -> None:
        """That socket is gone; the participant stays."""
        if self.outbox is outbox:
            self.outbox = None
            self.socket_lost_at = time.monotonic()

    def lose_socket(self) -> None:
        """Closed without a message, for those who test what a client does then."""
        outbox, self.outbox = self.outbox, None
        if outbox is not None:
            self.socket_lost_at = time.monotonic()
            outbox.close()

    def send(self, message: SignalResponse) -> None:
        """Dropped while there is no socket: a resuming client is told everything anew."""
        if self.outbox is not None:
            self.outbox.send(message.SerializeToString())

    def refresh_token(self) -> None:
        """A token that says what is true now, with which the client can come back."""
        token = self._authority.refresh(self._token, self.info)
        self.send(SignalResponse(refresh_token=token))

    def send_update(self, *participants: ParticipantInfo) -> None:
        self.send(SignalResponse(update=ParticipantUpdate(participants=participants)))

    def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """An empty value takes the attribute away."""
        for name, value in attributes.items():
            if value:
                self.info.attributes[name] = value
            else:
                self.info.attributes.pop(name, None)

    def allows(self, listener: "Peer", track_sid: str) -> bool:
        """Whether this publisher lets `listener` have that track."""
        return self.audience is None or self.audience.admits(
            listener.sid, listener.identity, track_sid
        )

    def send_unpublished(self, track_sid: str) -> None:
        """The server took that track away."""
        unpublished = TrackUnpublishedResponse(track_sid=track_sid)
        self.send(SignalResponse(track_unpublished=unpublished))

    def send_resume(self) -> None:
        """Its media has been silent for too long: it is to connect anew; the socket stays."""
        reason, action = DisconnectReason.CONNECTION_TIMEOUT, LeaveRequest.Action.RESUME
        self.send(SignalResponse(leave=LeaveRequest(reason=reason, action=action)))

    def send_leave(self, reason: DisconnectReason) -> None:
        """`leave`, with the socket closed behind it."""
        self.send(SignalResponse(leave=LeaveRequest(reason=reason)))
        if self.outbox is not None:
            self.outbox.close()
