"""RTP taken apart and put together: what goes wrong here is heard as silence or noise."""

from services.sandbox.livekit import rtp


def test_a_packet_survives_being_built_and_parsed() -> None:
    """A caller would hear nothing if a field moved."""
    block = rtp.extension_block([(1, b"\x8f"), (4, b"mid7")])
    data = rtp.build(111, 65535, 960, 0xDEADBEEF, b"opus", marker=0x80, extensions=block)
    packet = rtp.parse(data)
    assert packet is not None
    assert (packet.payload_type, packet.sequence, packet.timestamp) == (111, 65535, 960)
    assert (packet.ssrc, packet.payload, packet.marker) == (0xDEADBEEF, b"opus", 0x80)
    assert rtp.extension(packet.extensions, 1) == b"\x8f"
    assert rtp.extension(packet.extensions, 4) == b"mid7"
    assert rtp.extension(packet.extensions, 2) is None


def test_contributing_sources_and_padding_are_not_payload() -> None:
    """Padding taken for audio would click."""
    header = bytes([0xA1, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]) + b"CSRC"
    packet = rtp.parse(header + b"audio" + b"\0\0\3")
    assert packet is not None
    assert packet.payload == b"audio"


def test_what_is_cut_short_is_no_packet() -> None:
    """One bad datagram must not end the call of everybody."""
    assert rtp.parse(b"\x80") is None
    assert rtp.parse(bytes([0x90, 111] + [0] * 10)) is None
    assert rtp.parse(bytes([0xA0, 111] + [0] * 10) + b"\xff") is None


def test_the_primary_block_of_redundant_audio() -> None:
    """A listener without RED would hear the browser's voice as noise."""
    redundant = bytes([0x80 | 111, 0x0F, 0x00 | (3 >> 8), 3]) + bytes([111]) + b"old" + b"new"
    assert rtp.red_primary(redundant) == b"new"
    assert rtp.red_primary(bytes([111]) + b"only") == b"only"
    assert rtp.red_primary(bytes([0x80 | 111, 0])) == b""
