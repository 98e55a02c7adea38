"""Audio from the one who publishes to those who listen, packet by packet."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtcpReceiverInfo, RtcpSenderInfo, RtcpSrPacket

from services.sandbox.livekit import rtp
from services.sandbox.livekit.levels import Loudness
from services.sandbox.livekit.reception import Reception
from services.sandbox.livekit.sdp import LEVEL_URI, MID_URI, Section

_STEP = 960  # RTP units, 20 ms: how far a new source is set after the last packet of the old one
_LONGEST_MS = 60.0  # of one packet; a longer step between two is a pause


def _payload_types(section: Section) -> dict[str, RTCRtpCodecParameters]:
    return {codec.name.lower(): codec for codec in reversed(section.codecs)}


class Outgoing:
    """One listener's copy of a track: renumbered for its section, on an SSRC of its own."""

    def __init__(self, section: Section, send: Callable[[bytes], None]) -> None:
        self.ssrc = secrets.randbits(32) or 1
        self._send = send
        self._types = {
            name: codec.payloadType or 0 for name, codec in _payload_types(section).items()
        }
        self._level_id = section.extensions.get(LEVEL_URI)
        mid_id = section.extensions.get(MID_URI)
        self._mid = [(mid_id, section.mid.encode())] if mid_id and section.mid else []
        self._plain = rtp.extension_block(self._mid) if self._mid else b""
        self._source: int | None = None
        self._sequence_offset = self._timestamp_offset = 0
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._packets = self._octets = 0

    def forward(self, packet: rtp.RtpPacket, codec: str, level: bytes | None) -> None:
        payload = packet.payload
        if codec == "red" and "red" not in self._types:
            codec, payload = "opus", rtp.red_primary(payload)
        payload_type = self._types.get(codec)
        if payload_type is None:
            return
        if packet.ssrc != self._source:
            self._follow(packet)
        self._sequence = (packet.sequence + self._sequence_offset) & 0xFFFF
        self._timestamp = (packet.timestamp + self._timestamp_offset) & 0xFFFFFFFF
        extensions = self._plain
        if level is not None and self._level_id is not None:
            extensions = rtp.extension_block([*self._mid, (self._level_id, level)])
        self._packets += 1
        self._octets += len(payload)
        self._send(
            rtp.build(
                payload_type,
                self._sequence,
                self._timestamp,
                self.ssrc,
                payload,
                marker=packet.marker,
                extensions=extensions,
            )
        )

    def _follow(self, packet: rtp.RtpPacket) -> None:
        """A new source goes on where the old one stopped: the listener sees one stream."""
        self._source = packet.ssrc
        self._sequence_offset = self._sequence + 1 - packet.sequence
        self._timestamp_offset = self._timestamp + _STEP - packet.timestamp

    def sender_report(self, info: RtcpSenderInfo) -> bytes | None:
        """The publisher's report in this copy's own numbers; None before the first packet."""
        if self._source is None:
            return None
        own = RtcpSenderInfo(
            ntp_timestamp=info.ntp_timestamp,
            rtp_timestamp=(info.rtp_timestamp + self._timestamp_offset) & 0xFFFFFFFF,
            packet_count=self._packets & 0xFFFFFFFF,
            octet_count=self._octets & 0xFFFFFFFF,
        )
        return bytes(RtcpSrPacket(ssrc=self.ssrc, sender_info=own))


@dataclass(slots=True)
class _LastReport:
    """Middle 32 bits of the NTP time of the last sender report, and when it came (monotonic)."""

    middle: int
    arrived: float


class Incoming:
    """One published track as it arrives: counted, measured, and handed to every copy."""

    def __init__(self, section: Section) -> None:
        self._codecs = {codec.payloadType: codec for codec in section.codecs}
        self._level_id = section.extensions.get(LEVEL_URI)
        self._receptions: dict[int, Reception] = {}
        self._reports: dict[int, _LastReport] = {}
        self._measured = 0
        self.loudness = Loudness()
        self.muted = False
        self.copies: list[Outgoing] = []

    def receive(self, packet: rtp.RtpPacket) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            return
        reception = self._receptions.get(packet.ssrc)
        if reception is None:
            reception = self._receptions[packet.ssrc] = Reception(codec.clockRate)
        reception.add(packet.sequence, packet.timestamp)
        if self.muted:
            return
        level = None
        if self._level_id is not None and packet.extensions:
            level = rtp.extension(packet.extensions, self._level_id)
            if level:
                self._measure(level[0] & 0x7F, packet.timestamp, codec.clockRate)
        name = codec.name.lower()
        for copy in self.copies:
            copy.forward(packet, name, level)

    def _measure(self, level: int, timestamp: int, clock_rate: int) -> None:
        step = (timestamp - self._measured) & 0xFFFFFFFF
        self._measured = timestamp
        self.loudness.add(level, min(step * 1000 / clock_rate, _LONGEST_MS), time.monotonic())

    def on_sender_report(self, ssrc: int, info: RtcpSenderInfo) -> None:
        middle = (info.ntp_timestamp >> 16) & 0xFFFFFFFF
        self._reports[ssrc] = _LastReport(middle, time.monotonic())

    def reports(self) -> list[RtcpReceiverInfo]:
        """What the publisher is to be told of its own stream."""
        return [self._report(ssrc, reception) for ssrc, reception in self._receptions.items()]

    def _report(self, ssrc: int, reception: Reception) -> RtcpReceiverInfo:
        last = self._reports.get(ssrc)
        delay = 0 if last is None else int((time.monotonic() - last.arrived) * 65536)
        return RtcpReceiverInfo(
            ssrc=ssrc,
            fraction_lost=reception.take_fraction_lost(),
            packets_lost=min(reception.lost, 0x7FFFFF),
            highest_sequence=reception.highest_sequence & 0xFFFFFFFF,
            jitter=reception.jitter,
            lsr=0 if last is None else last.middle,
            dlsr=min(delay, 0xFFFFFFFF),
        )

    def counts(self) -> tuple[int, int]:
        """(expected, lost) packets so far, over all sources."""
        receptions = self._receptions.values()
        return sum(r.expected for r in receptions), sum(r.lost for r in receptions)
