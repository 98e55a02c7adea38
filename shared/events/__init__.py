"""Event contracts: one small module per family."""

from shared.events.base import Event
from shared.events.calls import (
    CallEnded,
    CallRequested,
    CallResumed,
    CallStarted,
    EndReason,
    Outcome,
)
from shared.events.leads import LeadChanged
from shared.events.profiles import ProfileWanted

# Every event that travels on a stream. docs/ and the tests go over it.
ALL: tuple[type[Event], ...] = (
    CallRequested,
    CallStarted,
    CallResumed,
    CallEnded,
    LeadChanged,
    ProfileWanted,
)

__all__ = [
    "ALL",
    "CallEnded",
    "CallRequested",
    "CallResumed",
    "CallStarted",
    "EndReason",
    "Event",
    "LeadChanged",
    "Outcome",
    "ProfileWanted",
]
