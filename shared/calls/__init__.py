"""Calls: their state, the lease that says which agent holds one, and how they end."""

from shared.calls.model import Call, CallSettings, CallState, HeldCall
from shared.calls.repository import LEASE_MS, NO_AGENT_MS, CallNotTaken, Calls, EndResult

__all__ = [
    "LEASE_MS",
    "NO_AGENT_MS",
    "Call",
    "CallNotTaken",
    "CallSettings",
    "CallState",
    "Calls",
    "EndResult",
    "HeldCall",
]
