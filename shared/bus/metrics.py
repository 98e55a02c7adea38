"""What the bus tells Prometheus. Labels are the stream and the group."""

from prometheus_client import Counter, Gauge, Histogram

_LABELS = ("stream", "group")

EVENTS = Counter(
    "bolchaal_bus_events",
    "Entries by what came of them: handled, retried, dead, newer_version, duplicate, unknown",
    (*_LABELS, "result"),
)
DURATION = Histogram("bolchaal_bus_handler_seconds", "Seconds that a handler took", _LABELS)
LAG = Gauge("bolchaal_bus_lag", "Entries that the group has not read yet", _LABELS)
PENDING = Gauge("bolchaal_bus_pending", "Entries that were read and are not acknowledged", _LABELS)
OLDEST = Gauge(
    "bolchaal_bus_oldest_pending_seconds", "Age of the oldest entry that is pending", _LABELS
)
SCHEDULED = Gauge("bolchaal_bus_scheduled", "Entries that wait for another try", _LABELS)
DEAD = Gauge("bolchaal_bus_dead", "Dead letters", _LABELS)
