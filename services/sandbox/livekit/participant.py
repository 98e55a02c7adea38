"""One participant of a room: a peer with its media and its data."""

import time
from typing import Protocol

from aiortc.rtcdatachannel import RTCDataChannel
from aiortc.rtcdtlstransport import RTCCertificate
from livekit.protocol.models import DataPacket, ParticipantInfo
from livekit.protocol.rtc import ConnectionSettings

from services.sandbox.livekit import data
from services.sandbox.livekit.data_tracks import DataTracks
from services.sandbox.livekit.dtls import MediaLink
from services.sandbox.livekit.grants import Authority, Token
from services.sandbox.livekit.peer import Peer, State
from services.sandbox.livekit.publishing import Publisher
from services.sandbox.livekit.subscribing import Subscriber


class ParticipantEvents(Protocol):
    """What a participant tells its room."""

    def on_active(self, participant: "Participant") -> None:
        """Its media is up, for the first time."""

    def on_data(self, sender: "Participant", label: str, packet: DataPacket) -> None:
        """It has sent data on the channel `label`."""


class Participant(Peer):
    """From its join until it leaves, is removed or falls silent."""

    def __init__(
        self,
        events: ParticipantEvents,
        token: Token,
        info: ParticipantInfo,
        *,
        authority: Authority,
        certificate: RTCCertificate,
        settings: ConnectionSettings,
    ) -> None:
        super().__init__(token, info, authority)
        self._events = events
        self.auto_subscribe = settings.auto_subscribe
        self.auto_subscribe_data = settings.auto_subscribe_data_track
        self.negotiated = False
        """Whether an offer has been answered."""
        self.drop_next_resume = False
        """Asked for by a client that tests itself."""
        self.told_to_resume = False
        """Since its media fell silent."""
        self.link = MediaLink(certificate, self)
        self.publisher = Publisher(self)
        self.subscriber = Subscriber(self, self.link)
        self.channels = data.Channels(self._on_message)
        self.data_tracks = DataTracks(self, self.channels)
        self.last_sequence = 0
        """Of the last reliable packet that came from this participant."""

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

    # What the link reports.

    def on_connected(self) -> None:
        if self.info.state in (State.JOINING, State.JOINED):
            self._events.on_active(self)

    def on_rtp(self, packet: bytes) -> None:
        self.publisher.on_rtp(packet)

    def on_rtcp(self, packet: bytes) -> None:
        self.publisher.on_rtcp(packet)

    def on_channel(self, channel: RTCDataChannel) -> None:
        self.channels.add(channel)

    def _on_message(self, label: str, message: bytes | str) -> None:
        """On one of its data channels."""
        if label == data.TRACKS and isinstance(message, bytes):
            self.data_tracks.forward(message)
            return
        packet = data.read_packet(self, label, message)
        if packet is None:
            return
        if label == data.RELIABLE:
            self.last_sequence = packet.sequence
        self._events.on_data(self, label, packet)
