"""Whether calls can be made, over all services: the answer of /readyz, and what the page shows."""

from collections import Counter

from pydantic import BaseModel
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


class Readiness(BaseModel):
    """The answer of /readyz. `unavailable` only when the gateway itself cannot work.

    `reasons` maps a stable name, with the service before it when it is another's, to a sentence;
    `services` counts the replicas that are ready.
    """

    status: Status
    reasons: dict[str, str]
    services: dict[str, int]


async def readiness(redis: Redis, health: Health) -> Readiness:
    """What this gateway and the reports of all replicas say."""
    try:
        reports = await read_reports(redis)
    except (RedisError, OSError) as error:
        if outage_reason(error) is None:
            raise
        reasons = {**health.reasons, "redis": "Redis does not answer: no call can be opened"}
        return Readiness(status="unavailable", reasons=reasons, services={})
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
    return Readiness(status=status, reasons=reasons, services=services)


def _theirs(reports: list[Report]) -> dict[str, str]:
    return {
        f"{report.service}.{name}": f"{report.service}: {sentence}"
        for report in reports
        for name, sentence in report.reasons.items()
    }
