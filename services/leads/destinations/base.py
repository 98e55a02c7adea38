"""What a destination is: one webhook of N8N, and everything that is particular to it.

A destination is a class in a module of its own in this folder, with the name DESTINATION, by which
registry.py finds it. It says which
event of the bus makes a delivery wanted, and makes the payload when it is posted. Its name is part
of Redis keys, metrics, `--to` of the CLI and the reasons of /readyz, so that it never changes.
"""

import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Generic, NamedTuple, TypeVar

from pydantic import BaseModel
from redis.asyncio import Redis

from services.leads.delivery.model import ClaimedAttempt
from shared.errors import Permanent
from shared.events.base import Event
from shared.runtime.settings import Settings

EventT = TypeVar("EventT", bound=Event)
PayloadT = TypeVar("PayloadT", bound=BaseModel)


class TooLong(Permanent):
    """The body is over LEAD_MAX_BYTES even in its shortest version."""

    code = "too_long"


class DestinationSettings(Settings):
    """The settings that a destination brings: N8N_WEBHOOK_NAME, the path of its webhook, at least.

    They become part of LeadsSettings.
    """


class Wanted(NamedTuple):
    """What is to be delivered. A higher `revision` of a subject replaces a lower one.

    `call_id` is the call whose log tells of it ("": none).
    """

    subject: str
    revision: int
    call_id: str = ""


class Destination(ABC, Generic[EventT, PayloadT]):
    """A destination, with the Redis that its payload is made of.

    name: lower case, with hyphens. event: what makes a delivery wanted. settings: see above.
    content: key of the hash that is a subject's content, with %s for the subject: it is read in the
    step in which an attempt begins, and a delivery whose hash is gone is erased ("": none).
    reason_suffix: of the names of its reasons in /readyz.
    """

    name: ClassVar[str]
    event: ClassVar[type[Event]]
    settings: ClassVar[type[DestinationSettings]]
    content: ClassVar[str] = ""
    reason_suffix: ClassVar[str | None] = None

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    @abstractmethod
    def wanted(self, event: EventT) -> Wanted | None:
        """What follows from the event; None: nothing."""

    @abstractmethod
    async def payload(self, claimed: ClaimedAttempt) -> PayloadT:
        """What is posted, the same for every attempt at the same revision.

        Raises NotFound when the subject was erased.
        """

    def shortened(self, payload: PayloadT) -> Iterator[PayloadT]:
        """Shorter and shorter versions of a payload that is over LEAD_MAX_BYTES."""
        del payload
        return iter(())

    async def body(self, claimed: ClaimedAttempt, limit: int) -> bytes:
        """The payload as JSON of at most `limit` bytes. Raises NotFound, or TooLong."""
        payload = await self.payload(claimed)
        for version in itertools.chain([payload], self.shortened(payload)):
            body = encode(version)
            if len(body) <= limit:
                return body
        raise TooLong(f"a payload of {len(body)} bytes, and LEAD_MAX_BYTES is {limit}")

    @classmethod
    def setting(cls) -> str:
        """The field of its settings that holds the webhook's path; None there: it is not used."""
        return f"n8n_webhook_{cls.name.replace('-', '_')}"

    @classmethod
    def suffix(cls) -> str:
        if cls.reason_suffix is not None:
            return cls.reason_suffix
        return f"_{cls.name.replace('-', '_')}"


def encode(payload: BaseModel) -> bytes:
    """JSON as it is posted: compact, in UTF-8."""
    text = json.dumps(payload.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    return text.encode()
