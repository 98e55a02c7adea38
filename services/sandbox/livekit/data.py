"""Data packets from one participant to the others, over the channels that the clients have made."""

from collections import deque
from typing import TYPE_CHECKING, Final

from aiortc.rtcdatachannel import RTCDataChannel
from google.protobuf.message import DecodeError
from livekit.protocol.models import DataPacket
from loguru import logger

from services.sandbox.livekit.data_tracks import CHANNEL

if TYPE_CHECKING:
    from services.sandbox.livekit.participant import Participant

RELIABLE: Final = "_reliable"
LOSSY: Final = "_lossy"

# Packets kept for a client whose channel is not open yet: the newest so many.
_EARLY_PACKETS = {RELIABLE: 1000, LOSSY: 50}
_LOSSY_BACKLOG = 256 * 1024  # bytes; lossy packets for a client that is this far behind are dropped


class Channels:
    """The data channels of one participant."""

    def __init__(self, participant: "Participant") -> None:
        self._participant = participant
        self._open: dict[str, RTCDataChannel] = {}
        self._early = {label: deque[bytes](maxlen=limit) for label, limit in _EARLY_PACKETS.items()}
        self.last_sequence = 0
        """Of the last reliable packet that came from this participant."""

    def add(self, channel: RTCDataChannel) -> None:
        """A channel that the client has opened."""
        self._open[channel.label] = channel
        channel.on("message", lambda message: self._receive(channel.label, message))
        early = self._early.get(channel.label, deque())
        while early:
            channel.send(early.popleft())

    def deliver(self, label: str, packet: bytes) -> None:
        channel = self._open.get(label)
        if channel is None or channel.readyState != "open":
            if label in self._early:
                self._early[label].append(packet)
            return
        if label != RELIABLE and channel.bufferedAmount > _LOSSY_BACKLOG:
            return
        channel.send(packet)

    def _receive(self, label: str, message: bytes | str) -> None:
        participant = self._participant
        if label == CHANNEL and isinstance(message, bytes):
            participant.data_tracks.forward(message)
            return
        if label not in (RELIABLE, LOSSY) or not participant.info.permission.can_publish_data:
            return
        try:
            packet = DataPacket.FromString(
                message if isinstance(message, bytes) else message.encode()
            )
        except DecodeError:
            logger.warning("{} sent a data packet that cannot be read", participant.identity)
            return
        reliable = label == RELIABLE
        packet.kind = DataPacket.Kind.RELIABLE if reliable else DataPacket.Kind.LOSSY
        if reliable:
            self.last_sequence = packet.sequence
        if not (participant.is_agent and packet.participant_identity):
            # An agent may speak for another: the caller's transcript comes in the caller's name.
            packet.participant_sid = participant.sid
            packet.participant_identity = participant.identity
        if packet.HasField("user"):
            packet.user.participant_sid = participant.sid
            packet.user.participant_identity = participant.identity
        participant.room.relay(packet, label, sender=participant)
