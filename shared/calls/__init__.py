"""Calls: their state, the lease that says which agent holds one, and how they end."""

from shared.calls.model import (
    Call as Call,
    CallSettings as CallSettings,
    HeldCall as HeldCall,
)
from shared.calls.repository import (
    LEASE_MS as LEASE_MS,
    NO_AGENT_MS as NO_AGENT_MS,
    CallNotTaken as CallNotTaken,
    Calls as Calls,
)
