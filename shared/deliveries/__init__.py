"""Deliveries: what happened to a lead, or a call's report, on its way to N8N."""

from shared.deliveries.model import (
    CALL_ENDED,
    LEAD_CAPTURE,
    Attempt,
    Delivery,
    DeliveryState,
    DestinationState,
)
from shared.deliveries.repository import Deliveries

__all__ = [
    "CALL_ENDED",
    "LEAD_CAPTURE",
    "Attempt",
    "Deliveries",
    "Delivery",
    "DeliveryState",
    "DestinationState",
]
