"""Leads, on the stream `bolchaal:leads`. The lead itself is in `lead:ID`."""

from typing import ClassVar

from pydantic import Field

from shared.events.base import Event
from shared.redis import keys


class LeadChanged(Event):
    """A lead has a new revision. Produced in the step that made it, or that ended its call."""

    type: ClassVar[str] = "lead.changed"
    stream: ClassVar[str] = keys.LEADS
    lead_id: str = Field(description="UUIDv7 of the lead: lead:ID holds it")
    call_id: str = Field(description="UUIDv7 of the call in which it was said")
    revision: int = Field(description="counts from 1")
    postable: bool = Field(
        description="this revision is to be sent: it is complete, or the last one of its call"
    )
