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

__all__ = [
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
