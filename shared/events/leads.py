"""Leads, on the stream `bolchaal:leads`. The lead itself is in `lead:ID`."""

from typing import ClassVar

from shared.events.base import Event
from shared.redis import keys


class LeadChanged(Event):
    """A lead has a new revision. Produced by the merge script, in the step that made the revision.

    `revision` counts from 1; `postable` says whether this revision is to be sent (complete, or the
    last one of a call that ended).
    """

    type: ClassVar[str] = "lead.changed"
    stream: ClassVar[str] = keys.LEADS
    lead_id: str
    call_id: str
    revision: int
    postable: bool
