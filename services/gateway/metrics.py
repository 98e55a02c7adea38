"""What the gateway counts, for Prometheus."""

from prometheus_client import Counter, Gauge

OPENED = Counter("bolchaal_calls_opened_total", "Calls opened by POST /api/token", ["language"])
REFUSED = Counter("bolchaal_api_refused_total", "Requests that were refused", ["code"])
DISPATCHES = Counter(
    "bolchaal_dispatches_again_total", "Agents called by the watchdog, by why", ["why"]
)
STREAMS = Gauge("bolchaal_event_streams", "Browsers and consoles that follow a call now")
