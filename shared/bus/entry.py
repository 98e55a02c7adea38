"""An entry of a stream as a consumer has it in hand, and what a handler is told about it."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from os import getpid
from secrets import token_hex
from typing import Any

from shared.redis import keys

# Field of an entry that has been tried before: how often.
TRIES = "tries"
MOST_DIGITS = 15


def number(text: str) -> int:
    """The whole number in a field; 0 for what is none, since anybody may write to a stream."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else 0


@dataclass(frozen=True, slots=True)
class Address:
    """Who reads what: one consumer of one group of one stream."""

    stream: str
    group: str
    consumer: str

    @property
    def retry_due(self) -> str:
        return keys.retry_due(self.stream, self.group)

    @property
    def retry_stream(self) -> str:
        return keys.retry_stream(self.stream, self.group)

    @property
    def dead_letters(self) -> str:
        return keys.dead_letters(self.stream, self.group)

    @property
    def streams(self) -> tuple[str, str]:
        """The stream itself and the group's own stream of retries."""
        return self.stream, self.retry_stream


@dataclass(frozen=True, slots=True)
class Entry:
    """`stream` is the one it was read from (maybe the retry stream); `deliveries` counts readings.

    An entry is read more than once only when a consumer died, or was frozen, with it in hand.
    """

    stream: str
    id: str
    fields: Mapping[str, str]
    deliveries: int = 1

    @property
    def tries(self) -> int:
        """How often it was tried before."""
        return number(self.fields.get(TRIES, ""))

    @property
    def event_id(self) -> str:
        """The event's id; for an entry without one, its own."""
        return self.fields.get("id") or self.id


@dataclass(slots=True)
class Context:
    """What a handler may know besides the event, and may do besides returning.

    A handler whose work is one script on the same Redis may acknowledge the entry in that script,
    by XACK of `stream`, `group` and `entry_id`, and say so by `acknowledged = True`.
    """

    stream: str
    group: str
    entry_id: str
    consumer: str
    attempt: int  # 1 for the first try
    source: str  # the service that published
    traceparent: str = ""
    acknowledged: bool = False


# An async function of the event and its context. It returns when the event is handled, raises
# Permanent when trying again is useless, and anything else to be tried again later.
Handler = Callable[[Any, Context], Awaitable[None]]


def consumer_name(group: str) -> str:
    """A name that no other process has had, so that pending entries tell who died."""
    return f"{group}-{socket.gethostname()}-{getpid()}-{token_hex(3)}"
