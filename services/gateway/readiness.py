"""Whether calls can be made, over all services: the answer of /readyz, and what the page shows."""

from collections import Counter
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.redis.outage import outage_reason
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
    except (RedisError, OSError) as error:
        if outage_reason(error) is None:
            raise
        reasons = {**health.reasons, "redis": "Redis does not answer: no call can be opened"}
        return 503, {"status": "unavailable", "reasons": reasons, "services": {}}
    others = [report for report in reports if report.service != health.service]
    reasons = {**_theirs(others), **health.reasons}
    ready = Counter(report.service for report in others if report.status != "unavailable")
    # While Redis refuses writes nobody can report, so that a missing report says nothing.
    if "redis" not in health.reasons:
        reasons |= {service: text for service, text in NEEDED.items() if not ready[service]}
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
