"""Deliveries: what happened to a lead, or a call's report, on its way to N8N."""

from shared.deliveries.model import (
    CALL_ENDED as CALL_ENDED,
    LEAD_CAPTURE as LEAD_CAPTURE,
    Attempt as Attempt,
    Delivery as Delivery,
    DeliveryState as DeliveryState,
)
from shared.deliveries.repository import Deliveries as Deliveries
