"""What every event on a stream has in common.

An event is small and typed: ids and figures with their unit in the name, never personal data. Its
`type` and `v` travel beside the data, so that a reader can tell an event it does not know from one
it cannot read. Readers ignore unknown fields, so a new field needs a default and nothing more. A
change that old readers would misread raises `v` of the class, and the class still reads what older
versions wrote: old readers set the new one aside until a replica runs that knows it.
"""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from shared.clock import SYSTEM_CLOCK
from shared.frozen import FrozenModel
from shared.ids import uuid7


class Event(FrozenModel):
    """Base of all stream events.

    `id` is the event's own id (UUIDv7), the same however often it is delivered; `at` is when it was
    made, UTC.
    """

    type: ClassVar[str]
    v: ClassVar[int] = 1
    stream: ClassVar[str]

    id: str = Field(default_factory=uuid7)
    at: datetime = Field(default_factory=SYSTEM_CLOCK.now, description="when it was made, UTC")
