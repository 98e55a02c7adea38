"""Packets from publisher to listener: numbers that jump are heard as gaps."""

import pytest
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtcpPacket, RtcpSenderInfo, RtcpSrPacket

from services.sandbox.livekit import rtp
from services.sandbox.livekit.forwarding import Incoming, Outgoing
from services.sandbox.livekit.sdp import LEVEL_URI, MID_URI, Section

OPUS = RTCRtpCodecParameters("audio/opus", 48000, 2, 111)
RED = RTCRtpCodecParameters("audio/red", 48000, 2, 63)


def _section(*codecs: RTCRtpCodecParameters, level: int = 1, mid: int = 4) -> Section:
    return Section(
        mid="7",
        kind="audio",
        direction="sendonly",
        rejected=False,
        track_id="t",
        codecs=list(codecs),
        extensions={LEVEL_URI: level, MID_URI: mid},
        ssrcs=[],
        sctp_port=None,
        max_message=0,
    )


def _packet(
    sequence: int, *, ssrc: int = 1, payload: bytes = b"x", kind: int = 111
) -> rtp.RtpPacket:
    block = rtp.extension_block([(1, bytes([20]))])
    data = rtp.build(kind, sequence, sequence * 960, ssrc, payload, extensions=block)
    packet = rtp.parse(data)
    assert packet is not None
    return packet


@pytest.fixture
def sent() -> list[rtp.RtpPacket]:
    return []


def _listener(section: Section, sent: list[rtp.RtpPacket]) -> Outgoing:
    def keep(data: bytes) -> None:
        packet = rtp.parse(data)
        assert packet is not None
        sent.append(packet)

    return Outgoing(section, keep)


def test_a_copy_is_renumbered_for_its_listener(sent: list[rtp.RtpPacket]) -> None:
    """The listener's browser knows its own types, sources and extensions only."""
    incoming = Incoming(_section(OPUS))
    copy = _listener(
        _section(RTCRtpCodecParameters("audio/opus", 48000, 2, 96), level=9, mid=2), sent
    )
    incoming.copies.append(copy)
    incoming.receive(_packet(65535))
    incoming.receive(_packet(0))
    first, second = sent
    assert (first.payload_type, first.ssrc, first.payload) == (96, copy.ssrc, b"x")
    assert (second.sequence - first.sequence) & 0xFFFF == 1
    assert rtp.extension(first.extensions, 9) == bytes([20])
    assert rtp.extension(first.extensions, 2) == b"7"


def test_a_new_source_goes_on_where_the_old_one_stopped(sent: list[rtp.RtpPacket]) -> None:
    """A publisher that restarts its encoder would fall silent for its listeners."""
    incoming = Incoming(_section(OPUS))
    incoming.copies.append(_listener(_section(OPUS), sent))
    incoming.receive(_packet(100, ssrc=1))
    incoming.receive(_packet(40_000, ssrc=2))
    assert (sent[1].sequence - sent[0].sequence) & 0xFFFF == 1
    assert (sent[1].timestamp - sent[0].timestamp) & 0xFFFFFFFF == 960


def test_redundancy_is_taken_off_for_those_who_cannot_read_it(sent: list[rtp.RtpPacket]) -> None:
    """A client without RED would hear nothing of a browser."""
    incoming = Incoming(_section(OPUS, RED))
    incoming.copies.append(_listener(_section(OPUS), sent))
    redundant = bytes([0x80 | 111, 0, 0, 3, 111]) + b"oldnew"
    incoming.receive(_packet(1, payload=redundant, kind=63))
    assert (sent[0].payload_type, sent[0].payload) == (111, b"new")
    incoming.receive(_packet(2, kind=9))
    assert len(sent) == 1


def test_a_muted_track_is_silent(sent: list[rtp.RtpPacket]) -> None:
    """A mute from outside would only be shown, not heard."""
    incoming = Incoming(_section(OPUS))
    incoming.copies.append(_listener(_section(OPUS), sent))
    incoming.muted = True
    incoming.receive(_packet(1))
    assert sent == []


def test_reports_in_both_directions(sent: list[rtp.RtpPacket]) -> None:
    """Clients show loss and delay from these reports."""
    incoming = Incoming(_section(OPUS))
    copy = _listener(_section(OPUS), sent)
    incoming.copies.append(copy)
    info = RtcpSenderInfo(1 << 40, 10 * 960, 5, 50)
    assert copy.sender_report(info) is None
    for sequence in (10, 11, 13):
        incoming.receive(_packet(sequence))
    incoming.on_sender_report(1, info)
    (report,) = incoming.reports()
    assert (report.ssrc, report.packets_lost, report.fraction_lost) == (1, 1, 64)
    assert report.lsr == (1 << 24)
    own = copy.sender_report(info)
    assert own is not None
    (parsed,) = RtcpPacket.parse(own)
    assert isinstance(parsed, RtcpSrPacket)
    assert parsed.ssrc == copy.ssrc
    assert parsed.sender_info.rtp_timestamp == sent[0].timestamp
    assert (parsed.sender_info.packet_count, parsed.sender_info.octet_count) == (3, 3)
