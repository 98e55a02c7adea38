"""Event contracts: one small module per family."""

from shared.events.base import Event as Event
from shared.events.calls import (
    CallEnded as CallEnded,
    CallRequested as CallRequested,
    CallResumed as CallResumed,
    CallStarted as CallStarted,
    EndReason as EndReason,
    Outcome as Outcome,
)
from shared.events.leads import LeadChanged as LeadChanged
from shared.events.profiles import ProfileWanted as ProfileWanted

# Every event that travels on a stream. docs/ and the tests go over it.
ALL: tuple[type[Event], ...] = (
    CallRequested,
    CallStarted,
    CallResumed,
    CallEnded,
    LeadChanged,
    ProfileWanted,
)
