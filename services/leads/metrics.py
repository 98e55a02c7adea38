"""What the leads service tells Prometheus. The label is the destination's name."""

from prometheus_client import Counter, Gauge, Histogram

ATTEMPTS = Counter(
    "bolchaal_delivery_attempts",
    "Posts by their verdict: acknowledged, unconfirmed, retry, park, dead",
    ("destination", "verdict"),
)
POST = Histogram("bolchaal_delivery_post_seconds", "Seconds that a post took", ("destination",))
WAITING = Gauge(
    "bolchaal_deliveries",
    "Deliveries that are not final: waiting, parked, dead",
    ("destination", "state"),
)
OPEN = Gauge("bolchaal_destination_open", "1 while the circuit breaker is open", ("destination",))
