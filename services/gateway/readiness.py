"""Whether calls can be made, over all services: the answer of /readyz, and what the page shows."""

from collections import Counter
from typing import Any

from redis.asyncio import Redis

from shared.redis.client import AWAY
from shared.runtime.health import Health, Report, Status, read_reports

# What is missing when no replica of a service is ready.
NEEDED = {
    "agent": "no agent is running: callers will wait",
    "config": "the config service is not running: profiles are not refreshed",
    "leads": "the leads service is not running: leads are kept but not delivered",
}


async def readiness(redis: Redis, health: Health) -> tuple[int, dict[str, Any]]:
    """Status code and body of /readyz.

    503 only when the gateway itself cannot work; `reasons` maps a stable name, with the service
    before it when it is another's, to a sentence; `services` counts the replicas that are ready.
    """
    try:
        reports = await read_reports(redis)
    except AWAY:
        reasons = {**health.reasons, "redis": "Redis does not answer: no call can be opened"}
        return 503, {"status": "unavailable", "reasons": reasons, "services": {}}
    others = [report for report in reports if report.service != health.service]
    reasons = {**_theirs(others), **health.reasons}
    ready = Counter(report.service for report in others if report.status != "unavailable")
    for service, sentence in NEEDED.items():
        if not ready[service]:
            reasons[service] = sentence
    status: Status = health.status
    if status == "ok" and reasons:
        status = "degraded"
    services = {service: ready[service] for service in NEEDED}
    code = 503 if status == "unavailable" else 200
    return code, {"status": status, "reasons": reasons, "services": services}


def _theirs(reports: list[Report]) -> dict[str, str]:
    return {
        f"{report.service}.{name}": f"{report.service}: {sentence}"
        for report in reports
        for name, sentence in report.reasons.items()
    }
