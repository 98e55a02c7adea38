"""Ids that sort by the time they were made: UUID version 7 (RFC 9562)."""

import secrets
from uuid import UUID

from shared.clock import SYSTEM_CLOCK


def uuid7() -> str:
    """48 bits of milliseconds since 1970, then 74 random bits; the usual 36 characters."""
    milliseconds = SYSTEM_CLOCK.now_ms()
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= secrets.randbits(80)
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(UUID(int=value))


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its usual form, and so safe as part of a Redis key."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
