"""Whether calls can be made, over all services: the answer of /readyz, and what the page shows."""

import asyncio
from collections import Counter

from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.redis.outage import outage_reason
from shared.runtime.health import Health, Report, Status, read_reports

# Redis answers in a millisecond; whoever asks for /readyz gives up after a few seconds.
READ_S = 2.0

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
    status: Status
    try:
        reports = await _reports(redis)
    except (RedisError, OSError) as error:
        if outage_reason(error) is None:
            said = f"the reports of the services cannot be read ({type(error).__name__})"
            reasons = {"reports": said, **health.reasons}
            status = "degraded" if health.status == "ok" else health.status
            return Readiness(status=status, reasons=reasons, services={})
        reasons = {**health.reasons, "redis": "Redis does not answer: no call can be opened"}
        return Readiness(status="unavailable", reasons=reasons, services={})
    others = [report for report in reports if report.service != health.service]
    reasons = {**_theirs(others), **health.reasons}
    ready = Counter(report.service for report in others if report.status != "unavailable")
    # While Redis refuses writes nobody can report, so that a missing report says nothing.
    if "redis" not in health.reasons:
        reasons |= {service: text for service, text in NEEDED.items() if not ready[service]}
    status = health.status
    if status == "ok" and reasons:
        status = "degraded"
    services = {service: ready[service] for service in NEEDED}
    return Readiness(status=status, reasons=reasons, services=services)


async def _reports(redis: Redis) -> list[Report]:
    """Raises TimeoutError for a Redis that is silent for READ_S.

    The reading is left behind and ends by itself: redis-py swallows some cancellations.
    """
    reading = asyncio.create_task(read_reports(redis), name="health-reports")
    reading.add_done_callback(lambda task: task.cancelled() or task.exception())
    await asyncio.wait({reading}, timeout=READ_S)
    if not reading.done():
        raise TimeoutError
    return reading.result()


def _theirs(reports: list[Report]) -> dict[str, str]:
    return {
        f"{report.service}.{name}": f"{report.service}: {sentence}"
        for report in reports
        for name, sentence in report.reasons.items()
    }
