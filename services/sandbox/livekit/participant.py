"""One participant of a room: what is known of it, its media, and its way to be told things."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiortc.rtcdatachannel import RTCDataChannel
from aiortc.rtcdtlstransport import RTCCertificate
from livekit.protocol.models import ClientInfo, DisconnectReason, ParticipantInfo
from livekit.protocol.rtc import (
    ConnectionSettings,
    LeaveRequest,
    ParticipantUpdate,
    SignalResponse,
    TrackUnpublishedResponse,
)

from services.sandbox.livekit.data import Channels
from services.sandbox.livekit.data_tracks import DataTracks
from services.sandbox.livekit.dtls import MediaLink
from services.sandbox.livekit.grants import Authority, Token
from services.sandbox.livekit.protocol import new_sid
from services.sandbox.livekit.publishing import Publisher
from services.sandbox.livekit.socket import Outbox
from services.sandbox.livekit.subscribing import Audience, Subscriber
from services.sandbox.livekit.tracks import Track

if TYPE_CHECKING:
    from services.sandbox.livekit.rooms import Room

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


class Participant:
    """From its join until it leaves, is removed or falls silent; its sockets may come and go."""

    def __init__(
        self,
        room: "Room",
        token: Token,
        client: ClientInfo,
        *,
        authority: Authority,
        certificate: RTCCertificate,
        settings: ConnectionSettings,
        joined_at: float,
    ) -> None:
        self.room = room
        self._token = token
        self._authority = authority
        self.auto_subscribe = settings.auto_subscribe
        self.auto_subscribe_data = settings.auto_subscribe_data_track
        self.info = describe(token, client, joined_at)
        self.outbox: Outbox | None = None
        self.socket_lost_at: float | None = None
        """Monotonic time at which the signal socket went away; None while there is one."""
        self.negotiated = False
        """Whether an offer has been answered."""
        self.drop_next_resume = False
        """Asked for by a client that tests itself."""
        self.told_to_resume = False
        """Since its media fell silent."""
        self.publisher = Publisher(self)
        self.subscriber = Subscriber(self)
        self.audience: Audience | None = None
        """Who may listen to it; None is everybody."""
        self.channels = Channels(self)
        self.data_tracks = DataTracks(self)
        self.link = MediaLink(certificate, self)

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
        """The socket to be told things on, from now on."""
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
        """Closed without a word, for those who test what a client does then."""
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

    def changed(self) -> None:
        """One more version of what others know."""
        tracks = self.publisher.tracks
        del self.info.tracks[:]
        self.info.tracks.extend(track.info for track in tracks)
        del self.info.data_tracks[:]
        self.info.data_tracks.extend(track.info for track in self.data_tracks.published)
        self.info.version += 1

    def silent_for(self) -> float | None:
        """Seconds since its media was heard, or since it lost its socket without; None: neither."""
        since = self.link.ice.last_heard
        if since is None:
            since = self.socket_lost_at
        return None if since is None else time.monotonic() - since

    def allows(self, listener: "Participant", track: Track) -> bool:
        """Whether this publisher lets `listener` have `track`."""
        return self.audience is None or self.audience.admits(
            listener.sid, listener.identity, track.sid
        )

    def say_unpublished(self, track: Track) -> None:
        """The server took it away."""
        unpublished = TrackUnpublishedResponse(track_sid=track.sid)
        self.send(SignalResponse(track_unpublished=unpublished))

    def say_resume(self) -> None:
        """Its media has been silent for too long: it is to connect anew; the socket stays."""
        reason, action = DisconnectReason.CONNECTION_TIMEOUT, LeaveRequest.Action.RESUME
        self.send(SignalResponse(leave=LeaveRequest(reason=reason, action=action)))

    def say_leave(self, reason: DisconnectReason) -> None:
        """`leave`, with the socket closed behind it."""
        self.send(SignalResponse(leave=LeaveRequest(reason=reason)))
        if self.outbox is not None:
            self.outbox.close()

    # What the link tells.

    def on_connected(self) -> None:
        if self.info.state in (State.JOINING, State.JOINED):
            self.room.on_active(self)

    def on_rtp(self, packet: bytes) -> None:
        self.publisher.on_rtp(packet)

    def on_rtcp(self, packet: bytes) -> None:
        self.publisher.on_rtcp(packet)

    def on_channel(self, channel: RTCDataChannel) -> None:
        self.channels.add(channel)
