"""The circuit breaker of a destination: what it is told, and what its changes mean to people.

Its state is in Redis and shared by all replicas; it changes in the scripts (breaker.lua).
"""

from dataclasses import dataclass
from typing import Literal

from loguru import logger

from services.leads.alerts import Alerts
from services.leads.delivery.response_policy import Decision

Change = Literal["opened", "closed", ""]


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Times in seconds.

    threshold: failures in a row that open it. pause_first, pause_longest: between probes, doubling.
    park: pause after the destination refused our credentials.
    """

    threshold: int = 5
    pause_first: float = 1.0
    pause_longest: float = 60.0
    park: float = 900.0

    def options(self) -> dict[str, int]:
        """What breaker.lua is told; times in milliseconds."""
        return {
            "threshold": self.threshold,
            "pause_first": int(self.pause_first * 1000),
            "pause_longest": int(self.pause_longest * 1000),
            "park": int(self.park * 1000),
        }


def tell_change(change: Change, destination: str, decision: Decision, alerts: Alerts) -> None:
    """Tells people that the breaker opened, and the log that it closed."""
    if change == "opened":
        alerts.tell(
            "credentials_refused" if decision.signal == "refuses" else "destination_down",
            f"{destination}: {decision.reason}. Deliveries wait, and one at a time is tried.",
            destination=destination,
        )
    elif change == "closed":
        logger.info("{}: N8N works again", destination)
