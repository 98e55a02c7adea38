"""RTP packets, taken apart and put together without touching their payload (RFC 3550, 8285)."""

import struct
from typing import NamedTuple

ONE_BYTE_EXTENSIONS = 0xBEDE
_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


class RtpPacket(NamedTuple):
    marker: int
    """0x80 or 0, as it stands in the second byte."""
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    extensions: bytes
    """Body of the one-byte header extension; empty when there is none."""
    payload: bytes


def parse(data: bytes) -> RtpPacket | None:
    """None for what is not RTP, or is cut short."""
    if len(data) < 12:
        return None
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    position = 12 + 4 * (first & 0x0F)
    extensions = b""
    if first & 0x10:
        if len(data) < position + 4:
            return None
        profile, words = _EXTENSION.unpack_from(data, position)
        position += 4
        if profile == ONE_BYTE_EXTENSIONS:
            extensions = data[position : position + 4 * words]
        position += 4 * words
    end = len(data) - data[-1] if first & 0x20 else len(data)
    if position > end:
        return None
    return RtpPacket(
        second & 0x80, second & 0x7F, sequence, timestamp, ssrc, extensions, data[position:end]
    )


def extension(body: bytes, wanted: int) -> bytes | None:
    """The value of extension `wanted` (1 to 14) in a one-byte extension body."""
    position = 0
    while position < len(body):
        head = body[position]
        position += 1
        if head == 0:  # padding
            continue
        length = (head & 0x0F) + 1
        if head >> 4 == wanted:
            return body[position : position + length]
        position += length
    return None


def extension_block(values: list[tuple[int, bytes]]) -> bytes:
    """A one-byte extension with its header, for `build`; ids 1 to 14, values of 1 to 16 bytes."""
    body = b"".join(bytes(((number << 4) | (len(value) - 1),)) + value for number, value in values)
    body += bytes(-len(body) % 4)
    return _EXTENSION.pack(ONE_BYTE_EXTENSIONS, len(body) // 4) + body


def build(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    *,
    marker: int = 0,
    extensions: bytes = b"",
) -> bytes:
    """A packet; `extensions` as `extension_block` made it."""
    first = 0x90 if extensions else 0x80
    return (
        _FIXED.pack(first, marker | payload_type, sequence, timestamp, ssrc) + extensions + payload
    )


def red_primary(payload: bytes) -> bytes:
    """The newest block of redundant audio (RFC 2198); empty when it is cut short."""
    position = skipped = 0
    while position < len(payload) and payload[position] & 0x80:
        if position + 4 > len(payload):
            return b""
        skipped += ((payload[position + 2] & 0x03) << 8) | payload[position + 3]
        position += 4
    return payload[position + 1 + skipped :]
