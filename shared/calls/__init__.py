"""Calls: their state, the lease that says which agent holds one, and how they end."""

from shared.calls.model import Call, CallState, NewCall
from shared.calls.repository import LEASE_MS, NO_AGENT_MS, Calls, Ended, Refused

__all__ = [
    "LEASE_MS",
    "NO_AGENT_MS",
    "Call",
    "CallState",
    "Calls",
    "Ended",
    "NewCall",
    "Refused",
]
