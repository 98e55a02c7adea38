"""WebSocket frames (RFC 6455), read from the bytes that pass by."""

from collections.abc import Iterator
from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass(slots=True)
class Frame:
    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """Of a CLOSE frame; 1005 when it states none."""
        return int.from_bytes(self.payload[:2], "big") if len(self.payload) >= 2 else 1005


class FrameReader:
    """One direction of a socket without extensions."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._message = bytearray()
        self._opcode = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completed; fragments of a message come as one."""
        self._buffer += data
        while (taken := self._take()) is not None:
            final, opcode, payload = taken
            if opcode >= CLOSE:
                yield Frame(opcode, payload)
                continue
            self._opcode = opcode or self._opcode
            self._message += payload
            if final:
                yield Frame(self._opcode, bytes(self._message))
                self._message.clear()

    def _take(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size >= 126:
            wide = 2 if size == 126 else 8
            size, start = int.from_bytes(buffer[2 : 2 + wide], "big"), 2 + wide
        mask = b""
        if buffer[1] & 0x80:
            mask, start = bytes(buffer[start : start + 4]), start + 4
        if len(buffer) < start + size:
            return None
        final, opcode = bool(buffer[0] & 0x80), buffer[0] & 0x0F
        payload = bytes(buffer[start : start + size])
        del buffer[: start + size]
        if mask:
            payload = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
        return final, opcode, payload
