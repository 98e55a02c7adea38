"""Data packets from one participant to the others, over the channels that the clients have made."""

from collections import deque
from collections.abc import Callable
from typing import Final

from aiortc.rtcdatachannel import RTCDataChannel
from google.protobuf.message import DecodeError
from livekit.protocol.models import DataPacket
from loguru import logger

from services.sandbox.livekit.peer import Peer

RELIABLE: Final = "_reliable"
LOSSY: Final = "_lossy"
TRACKS: Final = "_data_track"

# Packets kept for a client whose channel is not open yet: the newest so many.
_EARLY_PACKETS = {RELIABLE: 1000, LOSSY: 50}
_LOSSY_BACKLOG = 256 * 1024  # bytes; lossy packets for a client that is this far behind are dropped


class Channels:
    """The data channels of one participant; `on_message` gets a channel's label and what came."""

    def __init__(self, on_message: Callable[[str, bytes | str], None]) -> None:
        self._on_message = on_message
        self._open: dict[str, RTCDataChannel] = {}
        self._early = {label: deque[bytes](maxlen=limit) for label, limit in _EARLY_PACKETS.items()}

    def add(self, channel: RTCDataChannel) -> None:
        """A channel that the client has opened."""
        self._open[channel.label] = channel
        channel.on("message", lambda message: self._on_message(channel.label, message))
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


def read_packet(sender: Peer, label: str, message: bytes | str) -> DataPacket | None:
    """What `sender` has sent, in its name; None when it cannot be read or is not allowed."""
    if label not in (RELIABLE, LOSSY) or not sender.info.permission.can_publish_data:
        return None
    try:
        packet = DataPacket.FromString(message if isinstance(message, bytes) else message.encode())
    except DecodeError:
        logger.warning("{} sent a data packet that cannot be read", sender.identity)
        return None
    packet.kind = DataPacket.Kind.RELIABLE if label == RELIABLE else DataPacket.Kind.LOSSY
    if not (sender.is_agent and packet.participant_identity):
        # An agent may speak for another: the caller's transcript comes in the caller's name.
        packet.participant_sid = sender.sid
        packet.participant_identity = sender.identity
    if packet.HasField("user"):
        packet.user.participant_sid = sender.sid
        packet.user.participant_identity = sender.identity
    return packet
